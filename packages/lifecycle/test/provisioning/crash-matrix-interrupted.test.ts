import { crashMatrix } from '../support/crash-matrix.js';
import { interruptedFates } from '../support/fates.js';

crashMatrix(interruptedFates, 'one');
