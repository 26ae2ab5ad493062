import { crashMatrix } from '../support/crash-matrix.js';
import { agreedFates } from '../support/fates.js';

crashMatrix(agreedFates, 'one');
