import type { Outbox } from '@dotmac/core';
import type { LifecycleStore } from '../../src/store/store.js';
import { withBoundaries, type AtBoundary } from './boundaries.js';

/** How many calls of a store are under way. */
interface Traffic {
  underWay: number;
}

/** A store that counts what is asked of it and not answered yet, whatever it is. */
function counted<Part extends object>(part: Part, traffic: Traffic): Part {
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value === 'object' && value !== null) return counted(value, traffic);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        const answer: unknown = Reflect.apply(value, target, given);
        if (!(answer instanceof Promise)) return isPart(answer) ? counted(answer, traffic) : answer;
        traffic.underWay += 1;
        return answer.finally(() => (traffic.underWay -= 1));
      };
    },
  });
}

/** A tenant's own part of the store. */
const isPart = (answer: unknown): answer is object =>
  typeof answer === 'object' && answer !== null && 'customers' in answer;

/**
 * A store whose every write outside of a transaction is a place to be held up: those of {@link withBoundaries}, and what
 * becomes of deliveries. `isIdle` says that nothing is under way that a database would hold for whoever asked.
 */
export function withPauses(store: LifecycleStore, at: AtBoundary): { store: LifecycleStore; isIdle: () => boolean } {
  const traffic: Traffic = { underWay: 0 };
  const seen = counted(store, traffic);
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
    isIdle: () => traffic.underWay === 0,
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
