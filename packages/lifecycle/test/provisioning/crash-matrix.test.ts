import { crashMatrix } from '../support/crash-matrix.js';
import { ownFates } from '../support/fates.js';

crashMatrix(ownFates, 'all');
