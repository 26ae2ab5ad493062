import type { Run, ServiceStatus } from '../../provisioning/run.js';
import { runKey, type RunStore } from '../store.js';
import type { LifecycleMemory } from './index.js';

/** Provisioning runs in memory. */
export function memoryRuns(memory: LifecycleMemory, tenantId: string): RunStore {
  const own = (): Run[] =>
    [...memory.read.runs.values()].map(({ run }) => run).filter((run) => run.tenantId === tenantId);
  return {
    insert: (run, trx) =>
      memory.transaction(({ runs }) => {
        const kept = structuredClone({ ...run, tenantId });
        runs.set(runKey(tenantId, run.id), { run: kept, fence: 0, leaseOwner: null, leaseUntil: 0 });
      }, trx),
    get: (runId) => Promise.resolve(memory.read.runs.get(runKey(tenantId, runId))?.run),
    listFor(customerId, limit) {
      const found = own().filter((run) => run.customerId === customerId);
      return Promise.resolve(found.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit));
    },
    checkpoint: (runId, fence, { status, direction, steps, nextAt, provisionedAt, updatedAt }, trx) =>
      memory.transaction(({ runs }) => {
        const record = runs.get(runKey(tenantId, runId));
        if (record?.fence !== fence) return false;
        const state = structuredClone({ status, direction, steps, nextAt, provisionedAt, updatedAt });
        runs.set(runKey(tenantId, runId), { ...record, run: { ...record.run, ...state } });
        return true;
      }, trx),
    countByStatus() {
      const counts: Partial<Record<ServiceStatus, number>> = {};
      for (const { status } of own()) counts[status] = (counts[status] ?? 0) + 1;
      return Promise.resolve(counts);
    },
  };
}
