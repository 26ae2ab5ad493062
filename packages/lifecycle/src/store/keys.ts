/** Names a run to waker and leases. A tenant id has no slash. */
export function runKey(tenantId: string, runId: string): string {
  return `${tenantId}/${runId}`;
}

/** What a run key names. */
export function parseRunKey(key: string): { tenantId: string; runId: string } {
  const slash = key.indexOf('/');
  return { tenantId: key.slice(0, slash), runId: key.slice(slash + 1) };
}

/** Whose any of these keys is: each begins with its tenant. */
export function ownerOf(key: string): string {
  return parseRunKey(key).tenantId;
}

const timerMark = '/timer/';

/** Names a timer to the waker. */
export function timerKey(tenantId: string, timerId: string): string {
  return `${tenantId}${timerMark}${timerId}`;
}

/** What a timer key names; undefined when the key is not one of a timer. */
export function parseTimerKey(key: string): { tenantId: string; timerId: string } | undefined {
  const mark = key.indexOf(timerMark);
  return mark < 0 ? undefined : { tenantId: key.slice(0, mark), timerId: key.slice(mark + timerMark.length) };
}

const bulkMark = '/bulk/';

/** Names an operation on many to the waker. */
export function bulkKey(tenantId: string, operationId: string): string {
  return `${tenantId}${bulkMark}${operationId}`;
}

/** What such a key names; undefined when the key is not one. */
export function parseBulkKey(key: string): { tenantId: string; operationId: string } | undefined {
  const mark = key.indexOf(bulkMark);
  return mark < 0 ? undefined : { tenantId: key.slice(0, mark), operationId: key.slice(mark + bulkMark.length) };
}
