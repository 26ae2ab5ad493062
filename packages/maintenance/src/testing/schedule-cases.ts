import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import { scheduleRules } from '../schedule/rules.js';
import type { KeptSchedule, ScheduleRecord } from '../schedule/schedule.js';
import type { SlotRecord } from '../schedule/slot.js';
import type { MaintenanceStore } from '../store/store.js';
import { alone, began, ended } from './samples.js';

const day = 86_400_000;
const taken: Omit<SlotRecord, 'tenantId'> = {
  schedule: 'nightly',
  scopeId: '',
  slotAt: day,
  nextAt: day,
  outcome: 'waiting',
  instance: 'host/0#1',
  runId: null,
  attempts: 0,
  claimedAt: day + 5,
  endedAt: null,
  message: null,
};
const made: Omit<ScheduleRecord, 'tenantId' | 'name'> = {
  definition: {
    task: 'log_rotation',
    parameters: { max_size_mb: 10, policies: ['é"'] },
    rules: scheduleRules.parse({ cron: '0 3 * * *', windows: [{ from: '02:00', until: '04:00' }] }),
  },
  version: 1,
  pausedAt: null,
  effectiveAt: 1_000,
  createdAt: 1_000,
  updatedAt: 1_000,
  deletedAt: null,
};
const names = (kept: KeptSchedule[]): string[] => kept.map(({ name }) => name);

/** What every store does with schedules and their slots. */
export const scheduleCases: Suite<MaintenanceStore>['cases'] = [
  {
    name: 'gives a slot to one of many who claim it',
    async run(store) {
      const [tenantId, other] = [newId(), newId()];
      const slots = store.slots(tenantId);
      const claims = await Promise.all(Array.from({ length: 10 }, () => slots.claim(taken)));
      assert.equal(claims.filter(Boolean).length, 1);
      for (const another of [{ slotAt: 2 * day }, { scopeId: 'host-1' }, { schedule: 'Nightly' }])
        assert.equal(await slots.claim({ ...taken, ...another }), true);
      assert.equal(await store.slots(other).claim(taken), true);
      assert.deepEqual(await slots.at('nightly', day), [
        { ...taken, tenantId },
        { ...taken, tenantId, scopeId: 'host-1' },
      ]);
      assert.equal(await slots.latest('nightly', '', 9 * day), 2 * day);
      // What lies ahead was taken by a clock that is fast.
      assert.deepEqual(
        [await slots.latest('nightly', '', 2 * day - 1), await slots.latest('nightly', '', 2 * day)],
        [day, 2 * day],
      );
      assert.equal(await slots.latest('nightly', '', day - 1), null);
      assert.equal(await slots.latest('nightly', 'host-1', 9 * day), day);
      assert.equal(await slots.latest('nightly', 'host-2', 9 * day), null);
      assert.deepEqual(await store.slots(newId()).at('nightly', day), []);
    },
  },
  {
    name: 'lets the process that took a slot change it until it is closed, and nobody else',
    async run(store) {
      const [tenantId, slotAt] = [newId(), 3 * day];
      const slots = store.slots(tenantId);
      const key = { ...taken, slotAt };
      await slots.claim(key);
      const isOpen = async () => (await store.openSlots(100_000)).some((it) => it.tenantId === tenantId);
      assert.equal(await isOpen(), true);
      assert.equal(await slots.change(key, 'host/0#2', { outcome: 'abandoned' }), false);
      assert.equal(await store.slots(newId()).change(key, taken.instance, { outcome: 'abandoned' }), false);
      const runId = newId();
      assert.equal(await slots.change(key, taken.instance, { outcome: 'running', runId, attempts: 1 }), true);
      assert.equal(await slots.change(key, taken.instance, { outcome: 'retrying' }), true);
      assert.equal(await isOpen(), true);
      const end = { outcome: 'failed', endedAt: day, message: 'é' } as const;
      assert.equal(await slots.change(key, taken.instance, end), true);
      assert.equal(await slots.change(key, taken.instance, { outcome: 'completed' }), false);
      assert.equal(await isOpen(), false);
      assert.deepEqual(await slots.at('nightly', slotAt), [{ ...key, ...end, tenantId, runId, attempts: 1 }]);
    },
  },
  {
    name: 'has a slot name the run that begins for it, both or neither',
    async run(store) {
      const tenantId = newId();
      const [slots, runs] = [store.slots(tenantId), store.runs(tenantId)];
      const { schedule, scopeId, instance } = taken;
      const turn = { schedule, scopeId, instance, slotAt: 4 * day, attempts: 1 };
      const slot = async () => {
        const [{ outcome, runId, attempts } = taken] = await slots.at(schedule, turn.slotAt);
        return [outcome, runId, attempts];
      };
      const first = { ...began, id: newId() };
      assert.equal(await runs.insert(first, turn), false);
      await slots.claim({ ...taken, slotAt: turn.slotAt });
      assert.equal(await store.runs(newId()).insert(first, turn), false);
      assert.equal(await runs.insert(first, { ...turn, instance: 'host/0#2' }), false);
      assert.deepEqual([await runs.get(first.id), await slot()], [null, ['waiting', null, 0]]);
      assert.equal(await runs.insert(first, turn), true);
      assert.deepEqual(await slot(), ['running', first.id, 1]);
      await assert.rejects(runs.insert(first, { ...turn, attempts: 2 }));
      assert.deepEqual(await slot(), ['running', first.id, 1]);
      await runs.finish(first.id, ended);
      // A run goes on from the one before and has its slot, or neither.
      const next = { ...began, id: newId(), resumes: first.id };
      assert.equal(await runs.insert(next, { ...turn, instance: 'host/0#2' }), false);
      assert.deepEqual([(await runs.get(first.id))?.resumedBy, await runs.get(next.id)], [null, null]);
      assert.equal(await runs.insert({ ...next, resumes: newId() }, { ...turn, attempts: 2 }), false);
      assert.deepEqual(await slot(), ['running', first.id, 1]);
      assert.equal(await runs.insert(next, { ...turn, attempts: 2 }), true);
      assert.deepEqual([(await runs.get(first.id))?.resumedBy, await slot()], [next.id, ['running', next.id, 2]]);
      await slots.change({ ...taken, slotAt: turn.slotAt }, instance, { outcome: 'abandoned' });
      assert.equal(await runs.insert({ ...began, id: newId() }, turn), false);
    },
  },
  {
    name: 'gives a slot that its process has left to one of many who saw it so',
    async run(store) {
      const tenantId = newId();
      const slots = store.slots(tenantId);
      for (const [place, outcome] of (['waiting', 'retrying'] as const).entries())
        for (const endedAt of [null, day + 9]) {
          const slotAt = (5 + 2 * place + (endedAt === null ? 0 : 1)) * day;
          const [left, message] = [{ ...taken, slotAt, outcome, endedAt, attempts: place }, 'It was stopped.'];
          const seen = { ...left, tenantId, message };
          await slots.claim({ ...left, message });
          for (const other of [{ instance: 'x/0#1' }, { attempts: 7 }, { endedAt: 3 }, { slotAt: 3 }] as const)
            assert.equal(await slots.changeLeft({ ...seen, ...other }, { outcome: 'abandoned' }), false);
          assert.equal(await store.slots(newId()).changeLeft(seen, { outcome: 'abandoned' }), false);
          const heirs = Array.from({ length: 10 }, (_, index) => `heir/${index}#1`);
          const takes = await Promise.all(
            heirs.map((instance, index) =>
              slots.changeLeft(seen, { instance, claimedAt: day + index, endedAt: null, message: null }),
            ),
          );
          assert.equal(takes.filter(Boolean).length, 1);
          const index = takes.indexOf(true);
          const moved = { ...seen, instance: heirs[index] ?? '', claimedAt: day + index, endedAt: null, message: null };
          assert.deepEqual(await slots.at('nightly', slotAt), [moved]);
          assert.equal(await slots.change(left, taken.instance, { outcome: 'refused' }), false);
          const end = { outcome: 'grace_passed', endedAt: day } as const;
          assert.equal(await slots.changeLeft(moved, end), true);
          assert.equal(await slots.changeLeft({ ...moved, ...end }, end), false);
          assert.deepEqual(await slots.at('nightly', slotAt), [{ ...moved, ...end }]);
        }
    },
  },
  {
    name: 'lets one run begin for a slot, whether who took it is faster or who takes it over',
    async run(store) {
      const tenantId = newId();
      const [slots, runs] = [store.slots(tenantId), store.runs(tenantId)];
      const heir = 'heir/0#1';
      for (let index = 0; index < 8; index++) {
        const seen = { ...taken, tenantId, slotAt: (20 + index) * day };
        const { schedule, scopeId, slotAt } = seen;
        await slots.claim(seen);
        const begin = (instance: string) =>
          runs.insert({ ...began, id: newId() }, { schedule, scopeId, slotAt, instance, attempts: 1 });
        const takeOver = async () => (await slots.changeLeft(seen, { instance: heir })) && begin(heir);
        const both = index % 2 === 0 ? [begin(seen.instance), takeOver()] : [takeOver(), begin(seen.instance)];
        const begun = (await Promise.all(both)).filter(Boolean).length;
        const [slot] = await slots.at(schedule, slotAt);
        assert.deepEqual([begun, slot?.outcome, slot?.attempts], [1, 'running', 1]);
        // A run is under way: nobody takes it over.
        assert.equal(await slots.changeLeft(slot as SlotRecord, { instance: 'x/0#1' }), false);
      }
      assert.equal((await runs.list({ limit: 99 })).length, 8);
    },
  },
  {
    name: 'lists slots newest first, page by page, also those of one instant',
    async run(store) {
      const slots = store.slots(newId());
      for (const slotAt of [day, 2 * day, 3 * day])
        for (const scopeId of ['a', 'b']) await slots.claim({ ...taken, slotAt, scopeId });
      const seen: string[] = [];
      for (let after: { slotAt: number; scopeId: string } | undefined; ;) {
        const page = await slots.list({ schedule: 'nightly', limit: 2, after });
        seen.push(...page.map((it) => `${it.slotAt / day}${it.scopeId}`));
        after = page.at(-1);
        if (!after) break;
      }
      assert.deepEqual(seen, ['3b', '3a', '2b', '2a', '1b', '1a']);
    },
  },
  {
    name: 'keeps schedules, each change with a greater revision, and tells of those that are removed',
    async run(store) {
      const tenantId = newId();
      const schedules = store.schedules(tenantId);
      const first = await schedules.write('b', () => ({ ...made, tenantId, name: 'b' }));
      assert.deepEqual(await schedules.get('b'), first);
      assert.deepEqual({ ...made, tenantId, name: 'b', revision: first.revision }, first);
      await schedules.write('a', (known, count) => {
        assert.deepEqual([known, count], [null, 1]);
        return { ...made, tenantId, name: 'a' };
      });
      await schedules.write('c', () => ({ ...made, tenantId, name: 'c', definition: null, pausedAt: 7 }));
      assert.deepEqual(names(await schedules.list({ limit: 9 })), ['a', 'b']);
      assert.deepEqual(names(await schedules.list({ limit: 1, after: 'a' })), ['b']);
      assert.deepEqual(names(await schedules.inCode()), ['c']);
      const changed = await schedules.write('b', (known) => {
        assert.deepEqual(known, first);
        return { ...first, version: 2 };
      });
      const gone = await schedules.write('a', (known) => ({ ...(known as KeptSchedule), deletedAt: 50 }));
      assert.ok(gone.revision > changed.revision && changed.revision > first.revision);
      assert.equal(await schedules.get('a'), null);
      assert.equal(await store.schedules(newId()).get('b'), null);
      const since = (await store.schedulesSince(first.revision, 100_000)).filter((it) => it.tenantId === tenantId);
      assert.deepEqual(names(since), ['c', 'b', 'a']);
      assert.ok((await store.scheduleRevision()) >= gone.revision);
      await schedules.write('a', (known, count) => {
        assert.deepEqual([known, count], [null, 1]);
        return { ...made, tenantId, name: 'a' };
      });
    },
  },
  {
    name: 'changes one schedule at a time, and undoes what throws',
    async run(store) {
      const tenantId = newId();
      const schedules = store.schedules(tenantId);
      const most = 3;
      const tries = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) =>
          schedules.write(`s${index}`, (_known, count) => {
            if (count >= most) throw new Error('too many');
            return { ...made, tenantId, name: `s${index}` };
          }),
        ),
      );
      const kept = tries.filter(({ status }) => status === 'fulfilled');
      assert.equal(kept.length, most);
      assert.equal((await schedules.list({ limit: 99 })).length, most);
      const revisions = kept.map((it) => (it as PromiseFulfilledResult<KeptSchedule>).value.revision);
      assert.equal(new Set(revisions).size, most);
    },
  },
  {
    name: 'prunes slots of before, and what is left of removed schedules',
    async run(store) {
      const tenantId = newId();
      const [slots, schedules] = [store.slots(tenantId), store.schedules(tenantId)];
      // Until the one after it is old, too, it is the last.
      for (const [slotAt, nextAt] of [
        [10, 10],
        [20, 49],
        [30, 50],
        [60, 60],
      ] as const)
        await slots.claim({ ...taken, slotAt, nextAt });
      await schedules.write('gone', () => ({ ...made, tenantId, name: 'gone', deletedAt: 20 }));
      await schedules.write('kept', () => ({ ...made, tenantId, name: 'kept' }));
      await store.prune(50, alone());
      assert.deepEqual(
        (await slots.list({ schedule: 'nightly', limit: 9 })).map(({ slotAt }) => slotAt),
        [60, 30],
      );
      const left = (await store.schedulesSince(0, 100_000)).filter((it) => it.tenantId === tenantId);
      assert.deepEqual(names(left), ['kept']);
    },
  },
];
