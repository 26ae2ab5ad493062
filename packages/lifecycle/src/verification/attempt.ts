import { describeError, newId, type StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Turn } from '../customers/turn.js';
import type { StoredToken } from '../store/store.js';
import type { Channel } from './channel.js';
import type { Keyring } from './keyring.js';

/** How long a statement of our own is waited for while a host's transaction is open. */
const graceMs = 250;

/** A try at a customer's token. */
export interface Attempt {
  customerId: string;
  channel: Channel;
  /** Tells it from another: one with the mark of the attempt that was counted last is that attempt. */
  mark: string;
}

/**
 * The mark of an attempt. Under an idempotency key it is that of every one with this token under this key: to give that
 * again tells nobody anything new. An HMAC, for a code could be found out by a mere hash.
 */
export function markOf(keyring: Keyring, { key }: Pick<Turn<unknown>, 'key'>, token: string): string {
  return key === undefined ? newId() : keyring.sign(`attempt ${key} ${token}`);
}

/**
 * Counts an attempt and commits that, beside the host's transaction if there is one: rolling back gives nobody another try.
 * @returns the token, once that is done; undefined when there is none, or when it can be counted only within the
 * transaction so far, for that has the connection, or the lock, or has issued the token. Then it is counted beside it as
 * soon as it is over, which is the same attempt. Only the last mark is kept: where another attempt is counted in between,
 * it counts as two, never as none.
 */
export async function countBeside(
  context: Pick<LifecycleContext, 'store' | 'clock' | 'logger'>,
  tenantId: string,
  { customerId, channel, mark }: Attempt,
  trx: StoreTransaction | undefined,
): Promise<StoredToken | undefined> {
  const { store, clock, logger } = context;
  const counting = store.tenant(tenantId).tokens.countAttempt(customerId, channel, mark);
  if (trx === undefined) return counting;
  counting.catch((error: unknown) =>
    logger.warn({ tenantId, customerId, ...describeError(error) }, 'an attempt at verification could not be counted'),
  );
  if (!store.capabilities.parallelTransactions) return undefined;
  const waited = new AbortController();
  const late = clock.sleep(graceMs, waited.signal).then(() => undefined);
  late.catch(() => undefined);
  return Promise.race([counting, late]).finally(() => waited.abort());
}
