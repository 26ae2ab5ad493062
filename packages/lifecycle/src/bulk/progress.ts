import type { StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { BulkOperation, BulkOutcome, BulkStatus } from './operation.js';
import type { BulkResult } from './plan.js';

/** Another worker went on with an operation meanwhile: whoever is told so leaves it alone. */
export const overtaken = new Error('another worker goes on with this');

/**
 * Notes how far an operation is, and who was refused, in the transaction that did it; by compare-and-swap on its place.
 * @throws {@link overtaken}
 */
export async function advanceTo(
  { store, clock }: LifecycleContext,
  operation: BulkOperation,
  { results, status = operation.status }: { results: readonly BulkResult[]; status?: BulkStatus },
  trx: StoreTransaction,
): Promise<BulkOperation> {
  const { bulk } = store.tenant(operation.tenantId);
  const failures = results.flatMap(({ customerId, refusal }) => (refusal ? [{ id: customerId, ...refusal }] : []));
  const after: BulkOperation = {
    ...operation,
    status,
    cursor: results.at(-1)?.customerId ?? operation.cursor,
    processed: operation.processed + results.length,
    changed: operation.changed + results.length - failures.length,
    refused: operation.refused + failures.length,
    outcomes: withOutcomes(operation.outcomes, results),
    startedAt: operation.startedAt ?? clock.now(),
    touchedAt: clock.now(),
    endedAt: status === 'completed' || status === 'cancelled' ? clock.now() : null,
  };
  if (!(await bulk.advance(after, operation, trx))) throw overtaken;
  await bulk.addFailures(operation.id, failures, trx);
  return after;
}

/** The outcomes with some more. */
export function withOutcomes(outcomes: readonly BulkOutcome[], results: readonly BulkResult[]): BulkOutcome[] {
  const counts = new Map<string, BulkOutcome>();
  const add = (from: BulkOutcome['from'], to: BulkOutcome['to'], code: string | null, count: number): void => {
    const key = `${from ?? ''}/${to ?? ''}/${code ?? ''}`;
    const known = counts.get(key);
    if (known) known.count += count;
    else counts.set(key, { from, to, code, count });
  };
  for (const { from, to, code, count } of outcomes) add(from, to, code, count);
  for (const { from, to, refusal } of results) add(from, to, refusal?.code ?? null, 1);
  return [...counts.values()];
}
