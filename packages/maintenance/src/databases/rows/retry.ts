import { isRetryable } from '@dotmac/core/kysely';

/** Of MariaDB mysql2 knows the number alone: 1969; MySQL's is 3024. */
const timeouts = new Set(['57014', 'ER_STATEMENT_TIMEOUT', 'ER_QUERY_TIMEOUT', '1969', '3024']);

const codeOf = (error: unknown): unknown => {
  const known = error as { code?: unknown; errno?: unknown } | null | undefined;
  return known?.code ?? known?.errno;
};
const causeOf = (error: unknown): unknown => (error as { cause?: unknown } | null | undefined)?.cause;

/** Did the database end the statement because it took longer than it may? */
export function endedByTimeout(error: unknown): boolean {
  return [error, causeOf(error)].some((it) => timeouts.has(String(codeOf(it))));
}

/** Would the same batch, or a smaller one, likely succeed? Deadlocks, serialisation failures, timeouts of locks and statements, a busy file. */
export function worthRetrying(error: unknown): boolean {
  return endedByTimeout(error) || isRetryable(error) || isRetryable(causeOf(error));
}
