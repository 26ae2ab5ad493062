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
  'SQLITE_BUSY_RECOVERY', // another process takes up what a killed one left
  'SQLITE_LOCKED',
  'SQLITE_PROTOCOL', // others were faster at the lock, many times over
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
  'ER_TOO_MANY_USER_CONNECTIONS', // 1203
  'ER_USER_LIMIT_REACHED', // 1226, so many an hour
  'ER_SERVER_SHUTDOWN',
  'ER_CLIENT_INTERACTION_TIMEOUT', // 4031, a session that did nothing
  '1927', // MariaDB: the session was killed. mysql2 has no name for what MariaDB alone has
  'ER_QUERY_INTERRUPTED', // 1317
  'ER_QUERY_TIMEOUT', // 3024
  '1969', // MariaDB: statement timeout
  'ER_DISK_FULL', // 1021
  'ER_RECORD_FILE_FULL', // 1114
  'ER_READ_ONLY_MODE', // 1836
  'ER_ACCESS_DENIED_ERROR',
  'ER_BAD_DB_ERROR',
  'POOL_CLOSED',
  '25P03', // PostgreSQL: a session that left a transaction open
  // PostgreSQL: the server was the primary before a failover, and its name may lead to another by now. Who says it of a
  // transaction that a host began for reading alone made a mistake; that cannot be told apart, and outages are more frequent.
  '25006',
  '28P01', // wrong password
  '28000',
  '3D000', // no such database
  'SQLITE_CANTOPEN',
  'SQLITE_IOERR',
  'SQLITE_FULL',
  'SQLITE_NOTADB',
]);

/** SQLSTATE's classes: the connection; what the server lacks (connections, disk, memory); who runs it stepped in. */
const unreachableClasses = /^(?:08|53|57)[0-9A-Z]{3}$/;

// The drivers throw these without a code.
const unreachableMessages = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'Client has encountered a connection error',
  'Cannot use a pool after calling end',
  'Pool is closed',
  "Can't add new command when connection is in closed state",
  "Can't write in closed state",
  'The database connection is not open',
];

/**
 * MySQL's 1290 names the option that is in the way: `--read-only` or `--super-read-only` is that of a replica, as a primary
 * is one after a failover. Any other is for people to change. A transaction for reading alone has a code of its own.
 */
const isReadOnly = /--[\w-]*read[-_]only\b/;

/** MySQL: what the statement would make is there already, or what it would drop is gone. */
const doneAlready = new Set(['ER_DUP_KEYNAME', 'ER_DUP_FIELDNAME', 'ER_CANT_DROP_FIELD_OR_KEY']);

const noSuchTable = new Set(['42P01', 'ER_NO_SUCH_TABLE']);

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  return typeof code === 'string' ? code : typeof errno === 'number' ? String(errno) : '';
}

/** Did an insert or update break a unique key? */
export function isUniqueViolation(error: unknown): boolean {
  return uniqueViolations.has(codeOf(error));
}

/** Is there no such table? SQLite says it in words alone, whichever the driver. */
export function isNoSuchTable(error: unknown): boolean {
  return noSuchTable.has(codeOf(error)) || (error instanceof Error && error.message.includes('no such table:'));
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

/**
 * Is it the connection, or the server, rather than the statement that failed? Such a connection is not used again: behind one
 * that may only be read there may be a primary by now.
 */
export function isConnectionError(error: unknown): boolean {
  if (isOperationError(error)) return false;
  const code = codeOf(error);
  if (unreachable.has(code) || unreachableClasses.test(code) || code.startsWith('SQLITE_IOERR')) return true;
  if (error instanceof Error && code === 'ER_OPTION_PREVENTS_STATEMENT') return isReadOnly.test(error.message);
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
