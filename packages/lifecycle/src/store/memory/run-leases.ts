import type { Clock } from '@dotmac/core';
import type { RunLeases } from '../runs.js';
import type { LifecycleMemory, RunRecord } from './tables.js';

/** Leases on runs in memory. */
export function memoryRunLeases(memory: LifecycleMemory, clock: Pick<Clock, 'now'>): RunLeases {
  /** Changes a record if the change finds it as it must be. */
  const change = (
    key: string,
    next: (record: RunRecord) => Partial<RunRecord> | undefined,
  ): Promise<RunRecord | null> =>
    memory.transaction(({ runs }) => {
      const record = runs.get(key);
      const changes = record && next(record);
      if (!record || !changes) return null;
      const changed = { ...record, ...changes };
      runs.set(key, changed);
      return changed;
    });
  const isHeld = (record: RunRecord, owner: string, fence: number): boolean =>
    record.leaseOwner === owner && record.fence === fence;

  return {
    async acquire(key, owner, ttlMs, templateHashes) {
      const taken = await change(key, ({ run, fence, leaseOwner, leaseUntil }) => {
        const isFree = leaseOwner === null || leaseOwner === owner || leaseUntil <= clock.now();
        const isKnown = templateHashes?.includes(run.templateHash) ?? true;
        if (!isFree || !isKnown || run.nextAt === null) return undefined;
        return { leaseOwner: owner, leaseUntil: clock.now() + ttlMs, fence: fence + 1 };
      });
      return taken && { fence: taken.fence };
    },
    async renew(key, owner, fence, ttlMs) {
      const renewed = await change(key, (record) =>
        isHeld(record, owner, fence) ? { leaseUntil: clock.now() + ttlMs } : undefined,
      );
      return renewed !== null;
    },
    async release(key, owner, fence) {
      const released = await change(key, (record) =>
        isHeld(record, owner, fence) ? { leaseOwner: null, leaseUntil: 0 } : undefined,
      );
      return released !== null;
    },
  };
}
