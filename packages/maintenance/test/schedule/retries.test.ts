import { describe, expect, it } from 'vitest';
import type { ScheduleInput } from '../../src/schedule/schemas.js';
import { lastingTask } from '../support/lasting-task.js';
import { processes } from '../support/processes.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];

describe('a run of a schedule is begun again', () => {
  const setUp = async (rules: Partial<ScheduleInput>) => {
    const { clock, begin } = processes();
    const { task, runs: held } = lastingTask();
    const it = await begin({ tasks: [task, { ...task, type: 'twin' }], schedulePollMs: hour });
    const acme = it.scope({ tenantId: 'acme' });
    await acme.schedules.create({ name: 'it', maintenanceType: 'last', everyMs: day, ...rules });
    await clock.advance((rules.everyMs ?? day) + second);
    const outcome = async () => (await acme.schedules.slots('it')).items[0]?.outcome;
    return { clock, acme, held, outcome };
  };

  it('when it took longer than it may', async () => {
    const { clock, held, outcome } = await setUp({ timeoutMs: minute, retries: 1, retryAfterMs: minute });
    await clock.advance(minute);
    expect([await outcome(), held.length]).toEqual(['retrying', 1]);
    await clock.advance(minute);
    expect([await outcome(), held.length]).toEqual(['running', 2]);
    await clock.advance(minute + second);
    expect([await outcome(), held.length]).toEqual(['timed_out', 2]);
  });

  it('but not when somebody cancelled it', async () => {
    const { clock, acme, held, outcome } = await setUp({ retries: 1, retryAfterMs: minute });
    const [run] = (await acme.runs.list({ limit: 1 })).items;
    await acme.runs.cancel(run?.taskId ?? '');
    await clock.advance(hour);
    expect([await outcome(), held.length]).toEqual(['cancelled', 1]);
  });

  it.each([
    ['skip' as const, 'Its run failed, and another run of its task was at it at the next try.'],
    ['queue' as const, 'Its run failed, and another slot was waiting already at the next try.'],
  ])('but not when another is at it by then, by the rule %s: it says that it failed, too', async (overlap, message) => {
    const { clock, acme, held } = await setUp({ overlap, retries: 1, retryAfterMs: hour, everyMs: hour });
    const slotAt = (await acme.schedules.slots('it')).items[0]?.slotAt as number;
    held[0]?.end(new Error('no'));
    await clock.advance(second);
    await acme.runs.begin({ maintenanceType: 'last', parameters: {} });
    await clock.advance(hour + minute);
    const last = (await acme.schedules.slots('it')).items.find((it) => it.slotAt === slotAt);
    expect(last).toMatchObject({ outcome: 'overlap', message, attempts: 1 });
    expect(await acme.schedules.explainSkip('it', slotAt)).toMatchObject({ ran: true, reason: 'overlap', message });
  });

  it('twice as late each time, and six hours later at the most', async () => {
    const { clock, held } = await setUp({ retries: 5, retryAfterMs: hour });
    const waits: number[] = [];
    for (let run = 0; run < 5; run++) {
      held[run]?.end(new Error('no'));
      let minutes = 0;
      for (; held.length === run + 1 && minutes < 2_000; minutes++) await clock.advance(minute);
      waits.push(Math.round(minutes / 60));
    }
    expect(waits).toEqual([1, 2, 4, 6, 6]);
  });

  it('from the beginning when its task has become another, which knows nothing of where it was', async () => {
    const { clock, acme, held } = await setUp({ retries: 1, retryAfterMs: hour });
    held[0]?.end(new Error('no'));
    await clock.advance(minute);
    await acme.schedules.update('it', { maintenanceType: 'twin' });
    await clock.advance(hour);
    const { items } = await acme.runs.list({ limit: 9 });
    expect(items.map(({ taskName, status }) => [taskName, status])).toEqual([
      ['twin', 'running'],
      ['last', 'failed'],
    ]);
    expect(await acme.runs.get(items[0]?.taskId ?? '')).toMatchObject({ resumes: null });
  });
});
