import { exactly, type Extent } from '../rows/extent.js';
import type { Column } from '../rows/selection.js';

/**
 * By its affinity, which says what becomes of a value that is written: a text of digits is a number in a column of numbers,
 * a whole number beyond 2^53 is rounded in one of REAL. What a column of the same affinity has is that already.
 */
export function extentOf({ type }: Column): Extent {
  if (type === '') return exactly('any');
  if (/INT/.test(type)) return exactly('number');
  if (/CHAR|CLOB|TEXT/.test(type)) return exactly('text');
  if (/BLOB/.test(type)) return exactly('blob');
  return exactly(/REAL|FLOA|DOUB/.test(type) ? 'real' : 'number');
}
