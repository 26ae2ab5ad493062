import { isOperationError } from '@dotmac/core';
import { maintenanceErrors } from '../errors.js';

/** PostgreSQL query_canceled; MariaDB and MySQL statement timeouts. */
const timeouts = new Set(['57014', 'ER_STATEMENT_TIMEOUT', 'ER_QUERY_TIMEOUT', '1969', '3024']);
const references = new Set([
  '23503',
  '23001',
  'ER_ROW_IS_REFERENCED',
  'ER_ROW_IS_REFERENCED_2',
  'SQLITE_CONSTRAINT_FOREIGNKEY',
  'SQLITE_CONSTRAINT_TRIGGER',
]);

/** A driver's error by its meaning for a batch; any other as it is. */
export function batchError(error: unknown, policy: string): unknown {
  const code = codeOf(error);
  if (timeouts.has(code)) return maintenanceErrors.BATCH_TIMED_OUT({ policy }, { cause: error });
  if (references.has(code)) return maintenanceErrors.ROWS_STILL_REFERENCED({ policy }, { cause: error });
  return error;
}

/** Why upkeep failed, for a report: a code, never a driver's words, which may hold values. */
export function failureNote(what: string, error: unknown): string {
  const code = isOperationError(error) ? error.code : codeOf(error);
  return `${what} failed${code === '' ? '' : ` (${code})`}`;
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  return typeof code === 'string' ? code : typeof errno === 'number' ? String(errno) : '';
}
