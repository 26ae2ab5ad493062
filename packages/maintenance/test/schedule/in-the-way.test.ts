import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineMaintenanceTask, type MaintenanceModule, type Schedule } from '../../src/index.js';
import { lastingTask } from '../support/lasting-task.js';
import { processes } from '../support/processes.js';

const [second, minute, hour] = [1_000, 60_000, 3_600_000];

/** A task whose runs end when the test says so, and not before, whoever cancels them; plans of it, too. */
function deafTask() {
  const runs: { end(): void; dry: boolean; cancelled(): boolean }[] = [];
  const lasting = (dry: boolean, signal: AbortSignal) =>
    new Promise<void>((resolve) => runs.push({ end: resolve, dry, cancelled: () => signal.aborted }));
  const task = defineMaintenanceTask({
    ...{ type: 'deaf', name: 'Deaf', description: 'Ends when it likes' },
    parameters: z.object({}),
    details: z.object({}),
    async plan({ signal }) {
      await lasting(true, signal);
      return { targets: [], warnings: [] };
    },
    async run({ signal }) {
      await lasting(false, signal);
      return { details: {} };
    },
  });
  return { runs, task };
}

describe('a schedule that cancels what is in its way', () => {
  const acme = (it: MaintenanceModule) => it.scope({ tenantId: 'acme' });
  const schedule: Schedule = { name: 'it', task: 'last', tenantId: 'acme', everyMs: hour, overlap: 'cancel' };
  const newest = async (it: MaintenanceModule) => {
    const [slot] = (await acme(it).schedules.slots('it')).items;
    return [slot?.outcome, slot?.message];
  };

  it('reaches into other processes', async () => {
    const { clock, begin } = processes();
    const { task, runs: held } = lastingTask();
    const here = await begin({ tasks: [task], schedules: [schedule] });
    const there = await begin({ tasks: [task], startScheduler: false });
    const { taskId } = await acme(there).runs.beginRun('last', {});
    await clock.advance(hour);
    await clock.advance(5 * second);
    expect(await acme(there).runs.get(taskId)).toMatchObject({ status: 'cancelled' });
    expect([held.length, (await newest(here))[0]]).toEqual([2, 'running']);
  });

  it('leaves runs of other tasks alone', async () => {
    const { clock, begin } = processes();
    const { task } = lastingTask();
    const here = await begin({ tasks: [task, { ...task, type: 'twin' }], schedules: [schedule] });
    const [own, other] = [await acme(here).runs.beginRun('last', {}), await acme(here).runs.beginRun('twin', {})];
    await clock.advance(hour + 5 * second);
    const statusOf = async ({ taskId }: { taskId: string }) => (await acme(here).runs.get(taskId)).status;
    expect([await statusOf(own), await statusOf(other)]).toEqual(['cancelled', 'running']);
  });

  it('leaves runs alone that are on another host, and those that only look', async () => {
    const { clock, begin } = processes();
    const [onHosts, deaf] = [lastingTask('host'), deafTask()];
    const here = await begin({
      tasks: [onHosts.task, deaf.task],
      schedules: [schedule, { ...schedule, name: 'deaf', task: 'deaf' }],
    });
    const there = await begin({ tasks: [onHosts.task], startScheduler: false, hostId: 'other' });
    const { taskId } = await acme(there).runs.beginRun('last', {});
    await acme(here).runs.beginRun('last', {});
    const looking = acme(here).plans.create({ maintenanceType: 'deaf', parameters: {} });
    await acme(here).runs.beginRun('deaf', {});
    await clock.advance(hour + minute);
    expect(await acme(there).runs.get(taskId)).toMatchObject({ status: 'running' });
    expect(onHosts.runs).toHaveLength(3);
    expect(deaf.runs.map(({ dry, cancelled }) => [dry, cancelled()])).toEqual([
      [true, false],
      [false, true],
    ]);
    for (const { end } of deaf.runs) end();
    await clock.advance(minute);
    await looking;
    deaf.runs.at(-1)?.end();
  });

  it('waits for ten minutes, and leaves its slot out when that has not ended by then', async () => {
    const { clock, begin } = processes();
    const { task, runs: held } = deafTask();
    const it = await begin({ tasks: [task], schedules: [{ ...schedule, task: 'deaf' }] });
    await acme(it).runs.beginRun('deaf', {});
    await clock.advance(hour + 10 * minute - second);
    expect(await newest(it)).toEqual(['waiting', 'It was taken, and is to begin.']);
    await clock.advance(2 * second);
    expect(await newest(it)).toEqual(['overlap', 'Another run of its task did not end in time.']);
    expect(held.map(({ cancelled }) => cancelled())).toEqual([true]);
    held[0]?.end();
  });
});
