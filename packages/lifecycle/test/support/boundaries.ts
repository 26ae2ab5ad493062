import type { StoreTransaction } from '@dotmac/core';
import type { LifecycleStore, TenantStore } from '../../src/store/store.js';

/** Told before and after everything that a worker writes; what it does there, the worker waits for. */
export type AtBoundary = (boundary: string) => void | Promise<void>;

/** A store whose every write is a place to die, or to be held up. */
export function withBoundaries(store: LifecycleStore, at: AtBoundary): LifecycleStore {
  const around = async <Result>(name: string, write: () => Promise<Result>, isInside = false): Promise<Result> => {
    const place = isInside ? ', inside a transaction' : '';
    await at(`before ${name}${place}`);
    const result = await write();
    await at(`after ${name}${place}`);
    return result;
  };
  const tenant = (tenantId: string): TenantStore => {
    const inner = store.tenant(tenantId);
    return {
      ...inner,
      runs: {
        ...inner.runs,
        checkpoint: (runId, fence, state, trx) =>
          around(
            `checkpoint ${state.status}`,
            () => inner.runs.checkpoint(runId, fence, state, trx),
            trx !== undefined,
          ),
        proceed: (runId, fence, state) =>
          around(`checkpoint ${state.status}`, () => inner.runs.proceed(runId, fence, state)),
      },
      customers: {
        ...inner.customers,
        change: (change, trx) => around('change', () => inner.customers.change(change, trx), trx !== undefined),
      },
    };
  };
  return {
    ...store,
    tenant,
    runLeases: {
      ...store.runLeases,
      acquire: (...asked) => around('lease', () => store.runLeases.acquire(...asked)),
    },
    transaction: <Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction) =>
      join
        ? store.transaction(work, join)
        : around('commit', () =>
            store.transaction(async (trx) => {
              const result = await work(trx);
              await at('before the commit, inside a transaction');
              return result;
            }),
          ),
  };
}
