import type { OperationError, StoreTransaction } from '@dotmac/core';
import { lifecycleErrors } from '../errors.js';
import type { TokenStore } from '../store/store.js';
import type { Channel } from './channel.js';
import type { Keyring } from './keyring.js';

/** For so long tokens are counted together; a count that is older is none. */
export const quotaWindowMs = 24 * 3_600_000;
/** Tokens that one address is sent in a day, whoever gave it as his. */
const perDay = 15;

/** An address as it is counted by: without the host's secret nobody tells which it is. */
function quotaKey(keyring: Keyring, channel: Channel, address: string): string {
  const plain = channel === 'email' ? address.normalize('NFKC').toLowerCase() : address.replace(/[^0-9+]/g, '');
  return keyring.sign(`quota ${channel} ${plain}`);
}

/** Counts tokens for their addresses: VERIFICATION_RESEND_LIMITED for one whose address had its share for the day. */
export async function countForAddresses(
  { tokens, keyring }: { tokens: TokenStore; keyring: Keyring },
  wanted: readonly { channel: Channel; address: string }[],
  now: number,
  trx: StoreTransaction,
): Promise<(OperationError | undefined)[]> {
  const keys = wanted.map(({ channel, address }) => quotaKey(keyring, channel, address));
  return (await tokens.countIssues(keys, now, quotaWindowMs, trx)).map(({ issued, windowStartedAt }) => {
    if (issued <= perDay) return undefined;
    return lifecycleErrors.VERIFICATION_RESEND_LIMITED(
      { limit: perDay, window: 'a day' },
      { retryAfter: Math.ceil((windowStartedAt + quotaWindowMs - now) / 1_000) },
    );
  });
}
