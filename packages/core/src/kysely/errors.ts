import { coreErrors } from '../errors/core-errors.js';
import { isOperationError, type OperationError } from '../errors/operation-error.js';
import { connectFailureOf } from '../net/connect-failure.js';

const uniqueViolations = new Set(['23505', 'ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY']);

const retryable = new Set([
  '40001', // serialization failure
  '40P01', // PostgreSQL: deadlock
  '55P03', // PostgreSQL: lock timeout
  'ER_LOCK_WAIT_TIMEOUT', // 1205
  'ER_LOCK_DEADLOCK', // 1213
  'ER_CHECKREAD', // 1020, MariaDB: the row changed since it was read
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'SQLITE_LOCKED',
]);

const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_ACCESS_DENIED_ERROR',
  'ER_BAD_DB_ERROR',
  'POOL_CLOSED',
  '57P01', // PostgreSQL: admin shutdown
  '57P02',
  '57P03', // cannot connect now
  '57014', // statement timeout
  '53300', // too many connections
  '28P01', // wrong password
  '28000',
  '3D000', // no such database
  'SQLITE_CANTOPEN',
  'SQLITE_IOERR',
  'SQLITE_FULL',
  'SQLITE_NOTADB',
]);

// node-postgres throws these without a code.
const unreachableMessages = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'Client has encountered a connection error',
  'Cannot use a pool after calling end',
  'Pool is closed',
  'The database connection is not open',
];

/** MySQL: what the statement would make is there already, or what it would drop is gone. */
const doneAlready = new Set(['ER_DUP_KEYNAME', 'ER_DUP_FIELDNAME', 'ER_CANT_DROP_FIELD_OR_KEY']);

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  return typeof code === 'string' ? code : typeof errno === 'number' ? String(errno) : '';
}

/** Did an insert or update break a unique key? */
export function isUniqueViolation(error: unknown): boolean {
  return uniqueViolations.has(codeOf(error));
}

/** Has a statement on the schema nothing left to do? */
export function isDoneAlready(error: unknown): boolean {
  return doneAlready.has(codeOf(error));
}

/**
 * Would the same transaction, run anew, likely succeed? (Deadlock, serialization failure, lock timeout, busy.) So it would,
 * too, when somebody said it in other words, e.g. of a hook that met it; but not when it was run anew already.
 */
export function isRetryable(error: unknown): boolean {
  if (isOperationError(error)) return error.kind !== 'unavailable' && isRetryable(error.cause);
  return retryable.has(codeOf(error));
}

/** Is it the connection rather than the statement that failed? */
export function isConnectionError(error: unknown): boolean {
  if (isOperationError(error)) return false;
  const code = codeOf(error);
  if (unreachable.has(code) || code.startsWith('08') || code.startsWith('SQLITE_IOERR')) return true;
  if (error instanceof Error && unreachableMessages.some((start) => error.message.startsWith(start))) return true;
  return connectFailureOf(error).ofTls;
}

/**
 * STORE_UNAVAILABLE for a connection's failure, any other error as it is. The cause is kept for logs of the host,
 * never shown.
 */
export function storeError(error: unknown, operation: string): unknown {
  return isConnectionError(error) ? unavailable(operation, error) : error;
}

/** STORE_UNAVAILABLE, with its cause hidden from serialisers. What is wrong with TLS is said: it is for people to repair. */
export function unavailable(operation: string, cause?: unknown): OperationError {
  const { ofTls, message } = connectFailureOf(cause);
  return coreErrors.STORE_UNAVAILABLE({ operation, reason: ofTls ? message : undefined }, { cause, retryAfter: 1 });
}
