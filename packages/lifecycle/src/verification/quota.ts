import type { StoreTransaction } from '@dotmac/core';
import { lifecycleErrors } from '../errors.js';
import type { TokenStore } from '../store/store.js';
import type { Channel } from './channel.js';
import type { Keyring } from './keyring.js';

const dayMs = 24 * 3_600_000;
/** Tokens that one address is sent in a day, whoever gave it as his. */
const perDay = 15;

/** An address as it is counted by: without the host's secret nobody tells which it is. */
function quotaKey(keyring: Keyring, channel: Channel, address: string): string {
  const plain = channel === 'email' ? address.normalize('NFKC').toLowerCase() : address.replace(/[^0-9+]/g, '');
  return keyring.sign(`quota ${channel} ${plain}`);
}

/** Counts a token for its address. @throws VERIFICATION_RESEND_LIMITED when it had its share for the day */
export async function countForAddress(
  { tokens, keyring }: { tokens: TokenStore; keyring: Keyring },
  channel: Channel,
  address: string,
  now: number,
  trx: StoreTransaction,
): Promise<void> {
  const { issued, windowStartedAt } = await tokens.countIssue(quotaKey(keyring, channel, address), now, dayMs, trx);
  if (issued <= perDay) return;
  throw lifecycleErrors.VERIFICATION_RESEND_LIMITED(
    { limit: perDay, window: 'a day' },
    { retryAfter: Math.ceil((windowStartedAt + dayMs - now) / 1_000) },
  );
}
