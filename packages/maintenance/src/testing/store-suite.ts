import assert from 'node:assert/strict';
import { coreErrors, newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import type { Run } from '../runs/run.js';
import type { MaintenanceStore } from '../store/store.js';
import { alone, began, ended, plan, pulse } from './samples.js';
import { scheduleCases } from './schedule-cases.js';

/** What every {@link MaintenanceStore} does. The subject is migrated, and may hold what other cases left. */
export const maintenanceStoreSuite: Suite<MaintenanceStore> = {
  name: 'maintenance store',
  cases: [
    {
      name: 'is found migrated once it was, however often',
      async run(store) {
        await store.migrate();
        await store.checkMigrated();
      },
    },
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
      name: 'keeps how far a running run is, and tells it when it is to be cancelled',
      async run(store) {
        const [tenantId, id] = [newId(), newId()];
        const runs = store.runs(tenantId);
        await runs.insert({ ...began, id });
        assert.equal(await runs.pulse(id, pulse), false);
        assert.deepEqual(await runs.get(id), { ...began, ...pulse, id, tenantId });
        assert.equal(await store.runs(newId()).requestCancel(id, 1_600), false);
        assert.equal(await runs.requestCancel(id, 1_600), true);
        assert.equal(await runs.pulse(id, null), true);
        assert.equal((await runs.get(id))?.cancelRequestedAt, 1_600);
        await runs.finish(id, ended);
        assert.equal(await runs.requestCancel(id, 1_700), false);
        await runs.pulse(id, { ...pulse, itemsCleaned: 99 });
        assert.equal((await runs.get(id))?.itemsCleaned, 5);
      },
    },
    {
      name: 'finds the runs that were stopped with their process, until one goes on from them',
      async run(store) {
        const tenantId = newId();
        const runs = store.runs(tenantId);
        const stopped = { ...ended, status: 'cancelled', stopReason: 'stopped', endedAt: 5_000 } as const;
        const [early, late, other] = [newId(), newId(), newId()];
        for (const id of [early, late, other]) await runs.insert({ ...began, id });
        await runs.finish(early, { ...stopped, endedAt: 4_999 });
        await runs.finish(late, stopped);
        await runs.finish(other, { ...stopped, stopReason: 'cancelled' });
        const found = async () =>
          (await store.stoppedRuns(5_000, 1_000)).filter((run) => run.tenantId === tenantId).map(({ id }) => id);
        assert.deepEqual(await found(), [late]);
        await runs.insert({ ...began, id: newId(), resumes: late });
        assert.deepEqual(await found(), []);
      },
    },
    {
      name: 'sums ended runs up by task, day and state',
      async run(store) {
        const day = 86_400_000;
        const tenantId = newId();
        const runs = store.runs(tenantId);
        const add = async (startedAt: number, change: Partial<Run> = {}, outcome: Partial<typeof ended> = {}) => {
          const id = newId();
          await runs.insert({ ...began, ...change, id, startedAt });
          await runs.finish(id, { ...ended, endedAt: startedAt + 1_000, ...outcome });
        };
        await add(10 * day);
        await add(11 * day - 1, {}, { endedAt: 11 * day + 4_999 });
        await add(11 * day);
        await add(11 * day, {}, { status: 'failed' });
        await add(11 * day, { task: 'other' });
        await add(11 * day, { dryRun: true });
        await add(12 * day);
        await add(9 * day);
        await runs.insert({ ...began, id: newId(), startedAt: 11 * day });
        await store.runs(newId()).insert({ ...began, id: newId(), startedAt: 11 * day });
        const tallies = await runs.tallies({ from: 10 * day, to: 12 * day });
        const one = {
          ...{ task: 'log_rotation', day: 11 * day, status: 'completed' as const, runs: 1 },
          ...{ itemsProcessed: 7, itemsCleaned: 5, durationMs: 1_000, longestMs: 1_000 },
          ...{ returnedBytes: 2 ** 40, reusableBytes: 2 ** 41, estimatedBytes: 1 },
        };
        const two = {
          ...{ ...one, day: 10 * day, runs: 2, itemsProcessed: 14, itemsCleaned: 10 },
          ...{ returnedBytes: 2 ** 41, reusableBytes: 2 ** 42, estimatedBytes: 2, durationMs: 6_000, longestMs: 5_000 },
        };
        const sorted = [...tallies].sort((a, b) =>
          `${a.day}${a.task}${a.status}` < `${b.day}${b.task}${b.status}` ? -1 : 1,
        );
        assert.deepEqual(sorted, [two, one, { ...one, status: 'failed' }, { ...one, task: 'other' }]);
      },
    },
    {
      name: 'lets one run alone go on from an ended one',
      async run(store) {
        const runs = store.runs(newId());
        const id = newId();
        await runs.insert({ ...began, id });
        const goOn = (by = newId()) => runs.insert({ ...began, id: by, resumes: id });
        assert.equal(await goOn(), false);
        await runs.finish(id, ended);
        // A run that is not kept takes nothing.
        await assert.rejects(goOn(id));
        assert.equal((await runs.get(id))?.resumedBy, null);
        assert.equal(await store.runs(newId()).insert({ ...began, id: newId(), resumes: id }), false);
        const ids = Array.from({ length: 10 }, () => newId());
        const takes = await Promise.all(ids.map((by) => goOn(by)));
        assert.equal(takes.filter(Boolean).length, 1);
        const by = ids[takes.indexOf(true)];
        assert.equal((await runs.get(id))?.resumedBy, by);
        assert.deepEqual(
          (await runs.list({ limit: 20, status: 'running' })).map((it) => it.id),
          [by],
        );
      },
    },
    {
      name: 'keeps plans, hides them from other tenants, and has each applied once',
      async run(store) {
        const tenantId = newId();
        const [plans, others] = [store.plans(tenantId), store.plans(newId())];
        const ids = [newId(), newId(), newId()].sort();
        for (const id of ids) await plans.insert({ ...plan, id, tenantId });
        assert.deepEqual(await plans.get(ids[0] as string), { ...plan, id: ids[0], tenantId });
        assert.equal(await others.get(ids[0] as string), null);
        assert.deepEqual(await others.list({ limit: 9 }), []);
        assert.deepEqual(
          (await plans.list({ limit: 2, before: ids[2] })).map(({ id }) => id),
          [ids[1], ids[0]],
        );
        const runs = store.runs(tenantId);
        const [planId = ''] = ids;
        const dry = { ...began, id: newId(), planId, dryRun: true };
        assert.equal(await runs.insert(dry), true);
        const apply = (id = newId(), by = runs) => by.insert({ ...began, id, planId });
        await assert.rejects(apply(dry.id));
        assert.equal((await plans.get(planId))?.appliedBy, null);
        assert.equal(await apply(newId(), store.runs(newId())), false);
        const appliers = Array.from({ length: 10 }, () => newId());
        const takes = await Promise.all(appliers.map((id) => apply(id)));
        assert.equal(takes.filter(Boolean).length, 1);
        const appliedBy = appliers[takes.indexOf(true)] as string;
        assert.equal((await plans.get(planId))?.appliedBy, appliedBy);
        await runs.finish(appliedBy, ended);
        assert.equal(await runs.insert({ ...began, id: newId(), planId, resumes: appliedBy }), true);
      },
    },
    {
      name: 'lists the newest first, page by page, and counts by state',
      async run(store) {
        const runs = store.runs(newId());
        const ids = Array.from({ length: 5 }, () => newId()).sort();
        for (const id of ids)
          await runs.insert({
            ...{ ...began, id, task: id === ids[0] ? 'other' : began.task, dryRun: id === ids[2] },
            scopeId: id === ids[1] ? 'host-2' : began.scopeId,
          });
        await runs.finish(ids[4] as string, ended);
        const idsOf = (found: Run[]) => found.map(({ id }) => id);
        assert.deepEqual(idsOf(await runs.list({ limit: 2 })), [ids[4], ids[3]]);
        assert.deepEqual(idsOf(await runs.list({ limit: 9, before: ids[3] })), [ids[2], ids[1], ids[0]]);
        assert.deepEqual(idsOf(await runs.list({ limit: 9, task: 'other' })), [ids[0]]);
        assert.deepEqual(idsOf(await runs.list({ limit: 9, status: 'completed' })), [ids[4]]);
        assert.deepEqual(idsOf(await runs.list({ limit: 9, scopeId: 'host-2' })), [ids[1]]);
        assert.deepEqual(idsOf(await runs.list({ limit: 3, applied: true })), [ids[4], ids[3], ids[1]]);
        assert.deepEqual(await runs.countByStatus(), { running: 4, completed: 1 });
        const [whole] = await runs.list({ limit: 1 });
        assert.deepEqual(whole, await runs.get(ids[4] as string));
        const [brief] = await runs.list({ limit: 1, brief: true });
        assert.deepEqual(brief, { ...whole, details: {}, log: [] });
      },
    },
    ...scheduleCases,
    {
      name: 'prunes ended runs of before, never running ones',
      async run(store) {
        const runs = store.runs(newId());
        const [gone, kept, running] = [newId(), newId(), newId()];
        for (const id of [gone, kept, running]) await runs.insert({ ...began, id });
        await runs.finish(gone, { ...ended, endedAt: 10 });
        await runs.finish(kept, { ...ended, endedAt: 50 });
        assert.ok((await store.prune(50, alone())) >= 1);
        assert.equal(await runs.get(gone), null);
        assert.ok((await runs.get(kept)) && (await runs.get(running)));
      },
    },
    {
      name: 'prunes plans of before',
      async run(store) {
        const plans = store.plans(newId());
        const [gone, kept] = [newId(), newId()];
        await plans.insert({ ...plan, id: gone, createdAt: 49 });
        await plans.insert({ ...plan, id: kept, createdAt: 50 });
        await store.prune(50, alone());
        assert.deepEqual([await plans.get(gone), (await plans.get(kept))?.id], [null, kept]);
      },
    },
    {
      name: 'prunes nothing once another has taken that over',
      async run(store) {
        const plans = store.plans(newId());
        const id = newId();
        await plans.insert({ ...plan, id, createdAt: 5 });
        const confirm = () => Promise.reject(coreErrors.LEASE_LOST({ key: 'history' }));
        await assert.rejects(store.prune(50, { ...alone(), confirm }), { code: 'LEASE_LOST' });
        assert.equal((await plans.get(id))?.id, id);
      },
    },
  ],
};
