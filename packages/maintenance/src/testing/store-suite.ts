import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import type { Run } from '../runs/run.js';
import type { MaintenanceStore } from '../store/store.js';

const began: Omit<Run, 'tenantId' | 'id'> = {
  task: 'log_rotation',
  trigger: 'request',
  schedule: null,
  actor: 'user:1',
  status: 'running',
  startedAt: 1_000,
  endedAt: null,
  itemsProcessed: 0,
  itemsCleaned: 0,
  bytesFreed: 0,
  errorCode: null,
  errorMessage: null,
  details: {},
};
const ended = {
  status: 'completed',
  endedAt: 2_000,
  itemsProcessed: 7,
  itemsCleaned: 5,
  bytesFreed: 2 ** 40,
  errorCode: null,
  errorMessage: null,
  details: { policies: [{ name: 'é"\u0000' }] },
} as const;

/** What every {@link MaintenanceStore} does. The subject is migrated, and may hold what other cases left. */
export const maintenanceStoreSuite: Suite<MaintenanceStore> = {
  name: 'maintenance store',
  cases: [
    {
      name: 'keeps a run as it was given, and ends it once',
      async run(store) {
        const [tenantId, id] = [newId(), newId()];
        const runs = store.runs(tenantId);
        await runs.insert({ ...began, id });
        assert.deepEqual(await runs.get(id), { ...began, id, tenantId });
        assert.ok((await store.runningRuns(1_000)).some((run) => run.id === id));
        assert.equal(await runs.finish(id, ended), true);
        assert.equal(await runs.finish(id, { ...ended, status: 'failed' }), false);
        assert.deepEqual(await runs.get(id), { ...began, ...ended, id, tenantId });
        assert.ok(!(await store.runningRuns(1_000)).some((run) => run.id === id));
      },
    },
    {
      name: 'hides runs of other tenants',
      async run(store) {
        const [mine, other] = [store.runs(newId()), store.runs(newId())];
        const id = newId();
        await mine.insert({ ...began, id });
        assert.equal(await other.get(id), null);
        assert.equal(await other.finish(id, ended), false);
        assert.deepEqual(await other.list({ limit: 10 }), []);
        assert.deepEqual(await other.countByStatus(), {});
        assert.equal((await mine.get(id))?.status, 'running');
      },
    },
    {
      name: 'lists the newest first, page by page, and counts by state',
      async run(store) {
        const runs = store.runs(newId());
        const ids = Array.from({ length: 5 }, () => newId()).sort();
        for (const id of ids) await runs.insert({ ...began, id, task: id === ids[0] ? 'other' : began.task });
        await runs.finish(ids[4] as string, ended);
        const idsOf = (found: Run[]) => found.map(({ id }) => id);
        assert.deepEqual(idsOf(await runs.list({ limit: 2 })), [ids[4], ids[3]]);
        assert.deepEqual(idsOf(await runs.list({ limit: 9, before: ids[3] })), [ids[2], ids[1], ids[0]]);
        assert.deepEqual(idsOf(await runs.list({ limit: 9, task: 'other' })), [ids[0]]);
        assert.deepEqual(idsOf(await runs.list({ limit: 9, status: 'completed' })), [ids[4]]);
        assert.deepEqual(await runs.countByStatus(), { running: 4, completed: 1 });
      },
    },
    {
      name: 'gives a slot to one of many who claim it',
      async run(store) {
        const slot = { tenantId: newId(), schedule: 'nightly', slotAt: 86_400_000 };
        const claims = await Promise.all(Array.from({ length: 10 }, () => store.claimSlot(slot)));
        assert.equal(claims.filter(Boolean).length, 1);
        assert.equal(await store.claimSlot({ ...slot, slotAt: 2 * 86_400_000 }), true);
        assert.equal(await store.claimSlot({ ...slot, tenantId: newId() }), true);
      },
    },
    {
      name: 'prunes ended runs of before, never running ones',
      async run(store) {
        const runs = store.runs(newId());
        const [gone, kept, running] = [newId(), newId(), newId()];
        for (const id of [gone, kept, running]) await runs.insert({ ...began, id });
        await runs.finish(gone, { ...ended, endedAt: 10 });
        await runs.finish(kept, { ...ended, endedAt: 50 });
        assert.ok((await store.prune(50)) >= 1);
        assert.equal(await runs.get(gone), null);
        assert.ok((await runs.get(kept)) && (await runs.get(running)));
      },
    },
  ],
};
