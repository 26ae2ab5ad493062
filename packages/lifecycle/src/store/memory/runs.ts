import type { Run } from '../../provisioning/run.js';
import { pageOf } from '../page-of.js';
import { runKey, type RunStore } from '../store.js';
import type { LifecycleMemory } from './tables.js';

/** Provisioning runs in memory. */
export function memoryRuns(memory: LifecycleMemory, tenantId: string): RunStore {
  const own = (): Run[] =>
    [...memory.read.runs.values()]
      .map(({ run }) => run)
      .filter((run) => run.tenantId === tenantId)
      .sort((a, b) => (a.id < b.id ? 1 : -1));
  const get: RunStore['get'] = (runId) => Promise.resolve(memory.read.runs.get(runKey(tenantId, runId))?.run);
  /** Changes a run if it is there and `change` gives something to change. */
  const change = (runId: string, of: (run: Run) => Partial<Run> | undefined, trx: Parameters<RunStore['reopen']>[1]) =>
    memory.transaction(({ runs }) => {
      const record = runs.get(runKey(tenantId, runId));
      const changes = record && of(record.run);
      if (changes)
        runs.set(runKey(tenantId, runId), { ...record, run: { ...record.run, ...structuredClone(changes) } });
    }, trx);
  const checkpoint: RunStore['checkpoint'] = (
    runId,
    fence,
    { status, direction, steps, nextAt, provisionedAt, updatedAt, begunService },
    trx,
  ) =>
    memory.transaction(({ runs, services }) => {
      const record = runs.get(runKey(tenantId, runId));
      if (record?.fence !== fence) return false;
      const state = structuredClone({ status, direction, steps, nextAt, provisionedAt, updatedAt });
      const lease = nextAt === null ? { leaseOwner: null, leaseUntil: 0 } : {};
      runs.set(runKey(tenantId, runId), { ...record, ...lease, run: { ...record.run, ...state } });
      const service = services.get(runKey(tenantId, begunService ?? ''));
      if (service?.status === 'pending')
        services.set(runKey(tenantId, service.id), { ...service, status: 'provisioning', updatedAt });
      return true;
    }, trx);
  const standing: RunStore['standing'] = (runId, trx) =>
    memory.transaction(({ runs, customers }) => {
      const run = runs.get(runKey(tenantId, runId))?.run;
      const customer = run && customers.get(`${tenantId}/${run.customerId}`);
      return customer && { customer, cancelRequestedAt: run.cancelRequestedAt };
    }, trx);
  return {
    insert: (run, trx) =>
      memory.transaction(({ runs }) => {
        const kept = structuredClone({ ...run, tenantId });
        runs.set(runKey(tenantId, run.id), { run: kept, fence: 0, leaseOwner: null, leaseUntil: 0 });
      }, trx),
    get,
    lock: get,
    listFor: (serviceId, limit, before) =>
      Promise.resolve(
        own()
          .filter((run) => run.serviceId === serviceId && (before === undefined || run.id < before))
          .slice(0, limit),
      ),
    list({ status, limit, cursor }) {
      const found = own().filter(
        (run) => (status === undefined || run.status === status) && (cursor === undefined || run.id < cursor),
      );
      return Promise.resolve(pageOf(found, limit));
    },
    checkpoint,
    async proceed(runId, fence, state) {
      return (await checkpoint(runId, fence, state)) ? standing(runId) : undefined;
    },
    reopen: ({ id, status, direction, steps, nextAt, provisionedAt, updatedAt }, trx) =>
      change(id, () => ({ status, direction, steps, nextAt, provisionedAt, updatedAt }), trx),
    requestCancel: (runId, at, trx) =>
      change(runId, ({ nextAt }) => (nextAt === null ? undefined : { cancelRequestedAt: at, nextAt: at }), trx),
    standing,
    wakeWaiting: (runId, at, trx) =>
      change(runId, ({ status }) => (status === 'waiting' ? { nextAt: at } : undefined), trx),
    makeDue: (runId, at, trx) =>
      change(runId, ({ status }) => (status === 'running' || status === 'waiting' ? { nextAt: at } : undefined), trx),
  };
}
