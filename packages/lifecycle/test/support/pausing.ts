import type { Outbox } from '@dotmac/core';
import type { LifecycleStore } from '../../src/store/store.js';
import { withBoundaries, type AtBoundary } from './boundaries.js';
import { watched } from '../../../core/test/support/traffic.js';

/**
 * A store whose every write outside of a transaction is a place to be held up: those of {@link withBoundaries}, and what
 * becomes of deliveries. `isIdle` says that nothing is under way that a database would hold for whoever asked.
 */
export function withPauses(store: LifecycleStore, at: AtBoundary): { store: LifecycleStore; isIdle: () => boolean } {
  let underWay = 0;
  const seen = watched(store, () => {
    underWay += 1;
    return () => void (underWay -= 1);
  });
  const around = async <Result>(name: string, write: () => Promise<Result>): Promise<Result> => {
    await at(`before ${name}`);
    const result = await write();
    await at(`after ${name}`);
    return result;
  };
  const outbox = (name: string, inner: Outbox): Outbox => ({
    ...inner,
    async claim(ask) {
      const claimed = await inner.claim(ask);
      if (claimed.length > 0) await at(`after ${name} claim`);
      return claimed;
    },
    acknowledge: (claims) => around(`${name} acknowledge`, () => inner.acknowledge(claims)),
    retryLater: (claim, delayMs) => around(`${name} retry`, () => inner.retryLater(claim, delayMs)),
  });
  const bounded = withBoundaries(seen, at);
  return {
    isIdle: () => underWay === 0,
    store: {
      ...bounded,
      outbox: outbox('outbox', seen.outbox),
      webhookOutbox: outbox('webhook outbox', seen.webhookOutbox),
      tenant(tenantId) {
        const inner = bounded.tenant(tenantId);
        const { webhooks } = inner;
        return {
          ...inner,
          webhooks: {
            ...webhooks,
            settle: (delivery, trx) =>
              trx ? webhooks.settle(delivery, trx) : around('webhook settle', () => webhooks.settle(delivery)),
          },
        };
      },
    },
  };
}
