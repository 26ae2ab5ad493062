import { systemClock } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fairQueue, hostAsOne, type Limits } from '../../src/monitoring/fair-queue.js';
import type { Job } from '../../src/monitoring/job.js';
import { nextSlot } from '../../src/monitoring/phase.js';
import { createSchedule } from '../../src/monitoring/schedule.js';
import { simulatedClock } from '../support/simulated-clock.js';

const job = (id: string, tenantId = 'acme', host = id): Job => ({ id, tenantId, host });
const wide: Limits = { total: 1_000, perTenant: 1_000, perHost: 1_000 };

describe('a queue of due jobs', () => {
  const order = (limits: Partial<Limits>, jobs: readonly Job[]) => {
    const queue = fairQueue({ ...wide, ...limits });
    for (const each of jobs) queue.add(each);
    const taken: string[] = [];
    for (let next = queue.take(); next; next = queue.take()) taken.push(next.id);
    return { queue, taken };
  };

  it('gives tenants their turns, however many jobs one of them has', () => {
    const crowd = Array.from({ length: 5 }, (_, index) => job(`crowd${index}`, 'crowd'));
    const { taken } = order({ total: 5 }, [...crowd, job('one', 'a'), job('two', 'b')]);
    expect(taken).toEqual(['crowd0', 'one', 'two', 'crowd1', 'crowd2']);
  });

  it('runs no more of a tenant, towards a host and in all than allowed', () => {
    const { queue, taken } = order({ perHost: 1 }, [job('a', 't', 'h'), job('b', 't', 'h'), job('c', 't', 'other')]);
    expect(taken).toEqual(['a', 'c']);
    queue.done(job('a', 't', 'h'));
    expect(queue.take()?.id).toBe('b');
    expect(
      order(
        { perTenant: 2 },
        [1, 2, 3].map((it) => job(`${it}`)),
      ).taken,
    ).toHaveLength(2);
    expect(order({ perHost: 1 }, [job('a', 't', ''), job('b', 't', '')]).taken).toEqual(['a', 'b']);
  });

  it('gives tenants their turns at a host that several of them name, however many jobs one of them has for it', () => {
    const crowd = Array.from({ length: 100 }, (_, index) => job(`crowd${index}`, 'crowd', 'h'));
    const { queue, taken } = order({ perHost: 2 }, crowd);
    for (const [id, tenantId] of [
      ['one', 'a'],
      ['two', 'a'],
      ['three', 'b'],
    ] as const)
      queue.add(job(id, tenantId, 'h'));
    for (let turn = 0; turn < 8; turn++) {
      expect(queue.take()).toBeUndefined();
      queue.done(job(taken[turn] ?? '', turn < 2 ? 'crowd' : '', 'h'));
      taken.push(queue.take()?.id ?? '');
    }
    expect(taken.filter((id) => !id.startsWith('crowd'))).toEqual(['one', 'three', 'two']);
  });

  it('keeps a place at a busy host for somebody else when the one that it was kept for is removed', () => {
    const { queue } = order({ perHost: 1 }, [job('a', 't', 'h'), job('b', 't', 'h'), job('c', 'u', 'h')]);
    queue.done(job('a', 't', 'h'));
    queue.remove('b');
    expect([queue.take()?.id, queue.take()]).toEqual(['c', undefined]);
    queue.done(job('c', 'u', 'h'));
    queue.add(job('d', 't', 'h'));
    expect(queue.take()?.id).toBe('d');
  });

  it('leaves a quarter of the places to who is no suspect, and gives suspects a tenth of them in any case', () => {
    const suspects = Array.from({ length: 20 }, (_, index) => ({ ...job(`s${index}`), isSuspect: true }));
    const plain = Array.from({ length: 20 }, (_, index) => job(`p${index}`));
    const of = (kind: string, taken: string[]) => taken.filter((id) => id.startsWith(kind)).length;
    const alone = order({ perTenant: 10 }, suspects);
    expect(alone.taken).toHaveLength(8);
    for (const each of plain) alone.queue.add(each);
    expect([alone.queue.take()?.id, alone.queue.take()?.id, alone.queue.take()]).toEqual(['p0', 'p1', undefined]);
    const crowded = order({ perTenant: 10 }, plain);
    for (const each of suspects) crowded.queue.add(each);
    for (const id of crowded.taken) crowded.queue.done(job(id));
    const next = Array.from({ length: 10 }, () => crowded.queue.take()?.id ?? '');
    expect([of('p', next), of('s', next)]).toEqual([10, 0]);
    // None is running, so the next place but one that is plain's turn is theirs.
    for (const id of next) crowded.queue.done(job(id));
    expect(
      of(
        's',
        Array.from({ length: 10 }, () => crowded.queue.take()?.id ?? ''),
      ),
    ).toBe(8);
    const busy = order({ perTenant: 10 }, [...plain.slice(0, 9), ...suspects]);
    expect([of('p', busy.taken), of('s', busy.taken)]).toEqual([9, 1]);
  });

  it('leaves a quarter of all places to who is no suspect, however many tenants suspects are of', () => {
    const suspects = Array.from({ length: 40 }, (_, index) => ({
      ...job(`s${index}`, `t${index % 4}`),
      isSuspect: true,
    }));
    const { queue, taken } = order({ total: 20, perTenant: 10 }, suspects);
    expect(taken).toHaveLength(15);
    queue.add(job('plain', 't0'));
    expect([queue.take()?.id, queue.take()]).toEqual(['plain', undefined]);
    queue.done({ ...job('s0', 't0'), isSuspect: true });
    expect(queue.take()?.id).toBe('s15');
  });

  it('holds a job once, and forgets one that was removed, wherever it waits', () => {
    const { queue } = order({ perHost: 1, total: 2 }, [job('a', 't', 'h'), job('b', 't', 'h'), job('c', 't', 'h')]);
    queue.add(job('c', 't', 'h'));
    queue.remove('b');
    queue.done(job('a', 't', 'h'));
    expect(queue.take()?.id).toBe('c');
    queue.done(job('c', 't', 'h'));
    expect([queue.take(), queue.waiting, queue.running]).toEqual([undefined, 0, 0]);
  });
});

describe('a schedule', () => {
  it('goes on in its time when the wall clock is stepped, an hour back or forth', async () => {
    for (const step of [-3_600_000, 3_600_000]) {
      const clock = fakeClock();
      const startedAt = clock.monotonic();
      const runs: number[] = [];
      const schedule = createSchedule<Job>({ clock, limits: wide });
      schedule.start(() => {
        runs.push(clock.monotonic() - startedAt);
        return Promise.resolve(clock.now() + 10_000);
      });
      schedule.plan(job('a'), clock.now());
      await clock.advance(25_000);
      clock.set(clock.now() + step);
      await clock.advance(30_000);
      expect(runs).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000]);
      await schedule.stop();
    }
  });

  it('forgets a job that was cancelled while it ran, and runs one again that was asked for meanwhile', async () => {
    const clock = fakeClock();
    const startedAt = clock.monotonic();
    const runs: string[] = [];
    const schedule = createSchedule<Job>({ clock, limits: wide });
    schedule.start(async ({ id }) => {
      runs.push(`${id} ${clock.monotonic() - startedAt}`);
      await clock.sleep(1_000);
      return clock.now() + 60_000;
    });
    for (const id of ['gone', 'again']) schedule.plan(job(id), clock.now());
    await clock.advance(500);
    schedule.cancel('gone');
    schedule.plan(job('again'), clock.now());
    await clock.advance(120_000);
    expect(runs).toEqual(['gone 0', 'again 0', 'again 1000', 'again 62000']);
    await schedule.stop();
  });

  it('holds 10,000 endpoints to their slots over a day: no overlap, no cap passed, none late, none starved', async () => {
    const clock = simulatedClock();
    const limits = { total: 100, perTenant: 60, perHost: 4 };
    const lags: number[] = [];
    const schedule = createSchedule<Job & { intervalMs: number }>({
      clock,
      limits,
      onLag: (lagMs) => lags.push(lagMs),
    });
    const running = {
      all: 0,
      tenant: new Map<string, number>(),
      host: new Map<string, number>(),
      job: new Set<string>(),
    };
    const runs = new Map<string, number>();
    let broken = '';
    const enter = ({ id, tenantId, host }: Job): void => {
      const count = (of: Map<string, number>, key: string): number => of.set(key, (of.get(key) ?? 0) + 1).get(key) ?? 0;
      if (running.job.has(id)) broken ||= `${id} overlaps`;
      running.job.add(id);
      if (++running.all > limits.total) broken ||= 'too many';
      if (count(running.tenant, tenantId) > limits.perTenant) broken ||= `too many of ${tenantId}`;
      if (count(running.host, host) > limits.perHost) broken ||= `too many towards ${host}`;
      runs.set(id, (runs.get(id) ?? 0) + 1);
    };
    const leave = ({ id, tenantId, host }: Job): void => {
      running.job.delete(id);
      running.all--;
      running.tenant.set(tenantId, (running.tenant.get(tenantId) ?? 0) - 1);
      running.host.set(host, (running.host.get(host) ?? 0) - 1);
    };
    schedule.start(async (each) => {
      enter(each);
      // One in fifty is a black hole.
      await clock.sleep(Number(each.id) % 50 === 0 ? 5_000 : 40);
      leave(each);
      return nextSlot(each.id, each.intervalMs, clock.now());
    });
    const jobs = Array.from({ length: 10_000 }, (_, index) => ({
      id: String(index),
      // Half of all belong to one tenant.
      tenantId: index % 2 ? 'crowd' : `tenant${index % 40}`,
      host: `host${index % 3_000}`,
      intervalMs: 600_000 + 300_000 * (index % 4),
    }));
    for (const each of jobs) schedule.plan(each, nextSlot(each.id, each.intervalMs, clock.now()));
    const dayMs = 86_400_000;
    await clock.runFor(dayMs);
    expect(broken).toBe('');
    for (const { id, intervalMs } of jobs) {
      const due = dayMs / intervalMs;
      expect(Math.abs((runs.get(id) ?? 0) - due), id).toBeLessThanOrEqual(1);
    }
    lags.sort((a, b) => a - b);
    expect(lags[Math.floor(0.99 * lags.length)]).toBeLessThan(100);
    expect(lags.at(-1)).toBeLessThan(6_000);
  });
});

describe('an interval of 30 days', () => {
  it('is kept to the millisecond, though no timer of Node.js waits longer than 24.8', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const days = 86_400_000;
    const schedule = createSchedule<Job>({ clock: systemClock, limits: wide });
    const ran: number[] = [];
    schedule.start(({ id }) => {
      ran.push(Date.now());
      return Promise.resolve(nextSlot(id, 30 * days, Date.now()));
    });
    const first = nextSlot('a', 30 * days, Date.now());
    schedule.plan(job('a'), first);
    await vi.advanceTimersByTimeAsync(120 * days);
    expect(ran).toEqual([0, 1, 2, 3].map((slot) => first + slot * 30 * days));
    await schedule.stop();
  });
});

it.each([
  ['gw.example.com', 'GW.example.com.'],
  ['2001:db8::1', '[2001:DB8::1]'],
])('a host is one to the limit, spelled %s or %s', (one, other) => {
  expect(hostAsOne(other)).toBe(one);
  expect(hostAsOne(one)).toBe(one);
});
