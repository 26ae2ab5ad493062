import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { sql, type Kysely } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { kyselyMaintenanceStore } from '../../src/index.js';
import { presenceKey, taskKey } from '../../src/runs/lease-keys.js';
import { dialects } from '../support/databases.js';

const [minute, hour] = [60_000, 3_600_000];
const slot = Date.UTC(2026, 0, 1, 12);
const tenMinutes = 10 * minute;
const leaseTtlMs = 4_000;

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/firing-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

/** Asks until it is so: real processes take their time. */
async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !(await isSo());) {
    if (performance.now() > end) throw new Error('it did not come to be');
    await sleep(50);
  }
}

for (const { title, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`processes with clocks ten minutes apart on ${title}`, () => {
    const processes: ChildProcess[] = [];
    const said = new Map<ChildProcess, string>();
    const says = (it: ChildProcess, what: string) => until(() => said.get(it)?.includes(what) === true);
    const cleanUps: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const it of processes.splice(0)) if (it.exitCode === null) it.kill('SIGKILL');
      for (const cleanUp of cleanUps.splice(0)) await cleanUp();
    });

    const setUp = async () => {
      const fresh = await createFresh();
      const database = databaseFromUrl(fresh.url);
      cleanUps.push(() => database.close(), fresh.drop);
      const store = kyselyMaintenanceStore(database);
      await store.migrate();
      const db = database.kysely as Kysely<unknown>;
      await sql`create table rows_written (writer varchar(20), run_id varchar(36), step integer)`.execute(db);
      const slots = store.slots('acme');
      // It ran before, so that what came due since is known to be missed.
      const closed = {
        outcome: 'completed',
        instance: 'x/0#1',
        runId: null,
        attempts: 1,
        message: null,
        nextAt: slot,
      } as const;
      const before = { schedule: 'often', scopeId: '', slotAt: slot - 3 * tenMinutes, claimedAt: 0, endedAt: 0 };
      await slots.claim({ ...closed, ...before });
      const start = async (name: string, startsAt: number, ttlMs: number, ...more: string[]): Promise<ChildProcess> => {
        const told = [name, String(startsAt), String(ttlMs), ...more];
        const it = spawn(process.execPath, [worker.path, fresh.url, ...told], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        processes.push(it);
        it.stdout?.on('data', (text) => said.set(it, (said.get(it) ?? '') + String(text)));
        await says(it, 'started');
        return it;
      };
      const written = async () =>
        (await sql<{ writer: string; run_id: string; step: number }>`select * from rows_written`.execute(db)).rows;
      const ledger = async () => (await slots.list({ schedule: 'often', limit: 50 })).slice(0, -1).reverse();
      return { store, start, written, ledger };
    };
    const end = async (all: ChildProcess[]): Promise<void> => {
      const over = all.map((it) => once(it, 'exit'));
      for (const it of all) it.kill('SIGTERM');
      await Promise.all(over);
    };

    it('run each slot once, whoever comes to it first', async () => {
      const { store, start, written, ledger } = await setUp();
      const all = await Promise.all([
        start('ahead', slot + tenMinutes - 3_000, 30_000),
        start('right', slot - 3_000, 30_000),
        start('twin', slot - 3_000, 30_000),
        start('behind', slot - tenMinutes - 3_000, 30_000),
      ]);
      // Two were missed, by the clock that is ahead; each clock comes to one within seconds.
      const slots = [-2, -1, 0, 1].map((index) => slot + index * tenMinutes);
      // The queue has one place: which of four at the same instant finds it taken, if any does, is up to the machine.
      const endings = ['completed', 'overlap'];
      const isDone = async () => (await ledger()).filter(({ outcome }) => endings.includes(outcome)).length === 4;
      await until(isDone);
      await Promise.all(all.map((it) => says(it, 'came to its slot')));
      await end(all);
      const lines = await ledger();
      expect(lines.map(({ slotAt }) => slotAt)).toEqual(slots);
      const completed = lines.filter(({ outcome }) => outcome === 'completed');
      expect(completed.length).toBeGreaterThan(1);
      for (const { outcome, attempts, runId } of lines)
        expect({ attempts, ran: runId !== null }).toEqual(
          outcome === 'completed' ? { attempts: 1, ran: true } : { attempts: 0, ran: false },
        );
      const runs = await store.runs('acme').list({ limit: 50 });
      expect(runs.map(({ id }) => id).sort()).toEqual(completed.map(({ runId }) => runId).sort());
      expect((await written()).map(({ run_id, step }) => `${run_id} ${step}`).sort()).toEqual(
        runs.flatMap(({ id }) => [0, 1, 2].map((step) => `${id} ${step}`)).sort(),
      );
    }, 120_000);

    it('go on with a slot that waits when its process is stopped, and when it is killed: one of them, once', async () => {
      const { store, start, written, ledger } = await setUp();
      // Somebody is at the task.
      const task = taskKey({ tenantId: 'acme', task: 'write_rows', scopeId: '', dryRun: false });
      const lease = await store.leases.acquire(task, 'test', hour);
      const at = slot - tenMinutes - minute;
      const lines = async () => (await ledger()).map(({ outcome, instance }) => [outcome, instance.split('/')[0]]);
      const isWith = (name: string) => async () => isDeepStrictEqual(await lines(), [['waiting', name]]);

      const stopped = await start('stopped', at, 30_000);
      await until(isWith('stopped'));
      await end([stopped]);
      expect((await ledger())[0]?.endedAt).toEqual(expect.any(Number));
      const killed = await start('killed', at, leaseTtlMs);
      await until(isWith('killed'));
      killed.kill('SIGKILL');
      await until(async () => {
        const place = await store.leases.acquire(presenceKey('killed/0'), 'test', 1);
        return place !== null && store.leases.release(presenceKey('killed/0'), 'test', place.fence);
      });
      const heirs = await Promise.all([start('heir', at, 30_000), start('twin', at, 30_000)]);
      await until(async () => ['heir', 'twin'].includes((await lines())[0]?.[1] ?? ''));
      expect(await written()).toEqual([]);
      await store.leases.release(task, 'test', lease?.fence ?? 0);
      await until(async () => (await ledger())[0]?.outcome === 'completed');
      await end(heirs);

      const [line, ...others] = await ledger();
      expect([line?.attempts, others]).toEqual([1, []]);
      expect((await store.runs('acme').list({ limit: 9 })).map(({ id }) => id)).toEqual([line?.runId]);
      const writer = line?.instance.split('/')[0];
      expect((await written()).map((row) => [row.writer, row.run_id, Number(row.step)])).toEqual(
        [0, 1, 2].map((step) => [writer, line?.runId, step]),
      );
    }, 120_000);

    it('take a process for dead that is held up past its lease, and it writes nothing when it wakes', async () => {
      const { store, start, written, ledger } = await setUp();
      const zombie = await start('zombie', slot + tenMinutes - 15_000, leaseTtlMs, 'held');
      await until(() => / T /.test(readFileSync(`/proc/${zombie.pid}/stat`, 'utf8')));
      const before = await written();
      expect(before.map(({ writer, step }) => [writer, Number(step)])).toEqual([
        ['zombie', 0],
        ['zombie', 1],
      ]);
      // Its leases are over, by the clock of the database.
      await sleep(leaseTtlMs + 500);
      const heir = await start('heir', slot - minute, leaseTtlMs);
      const stateOf = async (slotAt: number) => (await ledger()).find((it) => it.slotAt === slotAt)?.outcome;
      await until(async () => (await stateOf(slot - 2 * tenMinutes)) === 'abandoned');
      await until(async () => (await store.runningRuns(10)).length === 0);
      const abandoned = await store.runs('acme').get(before[0]?.run_id ?? '');
      expect(abandoned).toMatchObject({ status: 'failed', stopReason: 'abandoned' });
      const [line] = await ledger();

      zombie.kill('SIGCONT');
      // It goes on with what comes due next, under a new lease.
      await until(async () => (await stateOf(slot + tenMinutes)) === 'completed');
      await end([zombie, heir]);
      expect((await written()).filter(({ run_id }) => run_id === abandoned?.id)).toHaveLength(2);
      expect(await store.runs('acme').get(abandoned?.id ?? '')).toEqual({
        ...abandoned,
        resumedBy: expect.toSatisfy((by: unknown) => by === null || typeof by === 'string') as unknown,
      });
      expect((await ledger())[0]).toEqual(line);
      const lines = await ledger();
      expect(new Set(lines.map(({ slotAt }) => slotAt)).size).toBe(lines.length);
    }, 120_000);
  });
