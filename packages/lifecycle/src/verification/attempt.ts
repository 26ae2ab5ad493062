import { describeError, type StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { StoredToken } from '../store/store.js';
import type { Channel } from './channel.js';

/** How long a statement of our own is waited for while a host's transaction is open. */
const graceMs = 250;

/** An attempt that was counted. */
export interface CountedAttempt {
  token: StoredToken | undefined;
  /** To be called when the attempt failed: whatever the host's transaction comes to, it stays counted. */
  failed(): void;
}

/**
 * Counts an attempt before anything is compared. In a transaction of the host's it is counted and committed beside it;
 * where there is no second connection to do so, within it, and once more beside it as soon as there is one: rolling back
 * gives nobody another try.
 */
export async function countAttempt(
  context: Pick<LifecycleContext, 'store' | 'clock' | 'logger'>,
  tenantId: string,
  { customerId, channel }: { customerId: string; channel: Channel },
  trx: StoreTransaction | undefined,
): Promise<CountedAttempt> {
  const { store, clock, logger } = context;
  const { tokens } = store.tenant(tenantId);
  const count = () => tokens.countAttempt(customerId, channel);
  const later = (counting: Promise<unknown>): void => {
    counting.catch((error: unknown) =>
      logger.warn({ tenantId, customerId, ...describeError(error) }, 'an attempt at verification could not be counted'),
    );
  };
  if (trx === undefined) return { token: await count(), failed: () => undefined };
  if (!store.capabilities.parallelTransactions) {
    const token = await tokens.countAttempt(customerId, channel, trx);
    return { token, failed: () => later(count()) };
  }
  const counting = count();
  later(counting);
  const waited = new AbortController();
  const late = clock.sleep(graceMs, waited.signal).then(() => 'late' as const);
  late.catch(() => undefined);
  const first = await Promise.race([counting, late]).finally(() => waited.abort());
  // Issued in this very transaction, a token is seen in it alone.
  if (first === 'late' || first === undefined)
    return { token: await tokens.countAttempt(customerId, channel, trx), failed: () => undefined };
  return { token: first, failed: () => undefined };
}
