import type { Channel } from '../../verification/channel.js';
import type { TokenStore } from '../store.js';
import type { LifecycleMemory } from './tables.js';

/** Verification tokens in memory. */
export function memoryTokens(memory: LifecycleMemory, tenantId: string): TokenStore {
  const keyOf = (customerId: string, channel: Channel): string => `${tenantId}/${customerId}/${channel}`;
  return {
    get: (customerId, channel) => Promise.resolve(memory.read.tokens.get(keyOf(customerId, channel))),
    put: (put, trx) =>
      memory.transaction(({ tokens }) => {
        for (const token of put) tokens.set(keyOf(token.customerId, token.channel), { ...token });
      }, trx),
    countAttempt: (customerId, channel, mark, trx) =>
      memory.transaction(({ tokens }) => {
        const token = tokens.get(keyOf(customerId, channel));
        if (!token || token.attemptMark === mark) return token;
        const counted = { ...token, attempts: token.attempts + 1, attemptMark: mark };
        tokens.set(keyOf(customerId, channel), counted);
        return counted;
      }, trx),
    countIssues: (addressKeys, at, windowMs, trx) =>
      memory.transaction(
        ({ tokenQuotas }) =>
          addressKeys.map((addressKey) => {
            const key = `${tenantId}/${addressKey}`;
            const before = tokenQuotas.get(key);
            const isOpen = before !== undefined && at < before.windowStartedAt + windowMs;
            const counted = isOpen ? { ...before, issued: before.issued + 1 } : { issued: 1, windowStartedAt: at };
            tokenQuotas.set(key, counted);
            return counted;
          }),
        trx,
      ),
    consume: ({ customerId, channel, id }, at, trx) =>
      memory.transaction(({ tokens }) => {
        const token = tokens.get(keyOf(customerId, channel));
        if (token?.id !== id || token.consumedAt !== null) return false;
        tokens.set(keyOf(customerId, channel), { ...token, consumedAt: at });
        return true;
      }, trx),
  };
}
