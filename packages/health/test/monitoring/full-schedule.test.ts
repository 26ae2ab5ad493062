import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/monitoring/job.js';
import type { Limits } from '../../src/monitoring/fair-queue.js';
import { nextSlot } from '../../src/monitoring/phase.js';
import { createSchedule } from '../../src/monitoring/schedule.js';
import { simulatedClock } from '../support/simulated-clock.js';

const [second, minute, day] = [1_000, 60_000, 86_400_000];
/** A black hole holds its place until its check's deadline. */
const deadlineMs = 60 * second;
const answerMs = 40;
const intervalMs = 30 * minute;

interface Endpoint extends Job {
  readonly isHole: boolean;
  isSuspect: boolean;
  dueAt: number;
  /** Its checks: when each began, ms since the start, and how late that was. */
  readonly checks: { at: number; lateMs: number }[];
}

/** Ten thousand: a crowd that swallows everything, of one tenant or several, and a thousand of twenty others that answer. */
function endpointsOf(crowds: number): Endpoint[] {
  return Array.from({ length: 10_000 }, (_, index) => {
    const isHole = index % 10 !== 0;
    return {
      id: `endpoint-${index}`,
      tenantId: isHole ? `crowd-${index % crowds}` : `small-${(index / 10) % 20}`,
      // Of the crowd three share a host; everybody else's hosts are their own.
      host: isHole ? `hole-${index % 3_000}` : `host-${index}`,
      ...{ isHole, isSuspect: false, dueAt: 0, checks: [] },
    };
  });
}

/** Lives through a day, and notes whatever must not be. */
async function dayOf(endpoints: readonly Endpoint[], limits: Limits, knowsSuspects: boolean) {
  const clock = simulatedClock();
  const schedule = createSchedule<Endpoint>({ clock, limits });
  const running = { ids: new Set<string>(), tenants: new Map<string, number>(), hosts: new Map<string, number>() };
  const broken: string[] = [];
  const count = (of: Map<string, number>, key: string, change: number): number => {
    const sum = (of.get(key) ?? 0) + change;
    of.set(key, sum);
    return sum;
  };
  /** For how long every place was taken, by whomever. */
  const full = { sinceMs: NaN, ms: 0 };
  const enter = ({ id, tenantId, host }: Endpoint): void => {
    if (running.ids.has(id)) broken.push(`${id} overlaps`);
    running.ids.add(id);
    if (running.ids.size > limits.total) broken.push('too many');
    if (count(running.tenants, tenantId, 1) > limits.perTenant) broken.push(`too many of ${tenantId}`);
    if (count(running.hosts, host, 1) > limits.perHost) broken.push(`too many towards ${host}`);
    if (running.ids.size === limits.total) full.sinceMs = clock.monotonic();
  };
  const leave = ({ id, tenantId, host }: Endpoint): void => {
    if (running.ids.size === limits.total) full.ms += clock.monotonic() - full.sinceMs;
    running.ids.delete(id);
    count(running.tenants, tenantId, -1);
    count(running.hosts, host, -1);
  };
  schedule.start(async (endpoint) => {
    enter(endpoint);
    endpoint.checks.push({ at: clock.monotonic(), lateMs: clock.now() - endpoint.dueAt });
    await clock.sleep(endpoint.isHole ? deadlineMs : answerMs);
    leave(endpoint);
    // As the monitor tells them: who did not answer when last asked.
    endpoint.isSuspect = knowsSuspects && endpoint.isHole;
    endpoint.dueAt = nextSlot(endpoint.id, intervalMs, clock.now());
    return endpoint.dueAt;
  });
  for (const endpoint of endpoints) {
    endpoint.dueAt = nextSlot(endpoint.id, intervalMs, clock.now());
    schedule.plan(endpoint, endpoint.dueAt);
  }
  await clock.runFor(day);
  return { broken, fullShare: full.ms / day };
}

/** The longest that any of some endpoints was not looked at. */
function longestGapMs(endpoints: readonly Endpoint[]): number {
  const gaps = endpoints.flatMap(({ checks }) =>
    [...checks.map(({ at }) => at), day].map((at, index) => at - (checks[index - 1]?.at ?? 0)),
  );
  return gaps.reduce((longest, gap) => Math.max(longest, gap), 0);
}
/** The longest that any of them came late, from a moment on. */
function latestMs(endpoints: readonly Endpoint[], from = 0): number {
  const late = endpoints.flatMap(({ checks }) => checks.flatMap(({ at, lateMs }) => (at >= from ? lateMs : [])));
  return late.reduce((longest, ms) => Math.max(longest, ms), 0);
}

describe('a day in which 9,000 of 10,000 endpoints hold every place until their deadline', () => {
  it.each([
    ['one tenant may have all', { crowds: 1, total: 100, perTenant: 100, perHost: 8, knowsSuspects: false }],
    ['tenants have half of the places', { crowds: 3, total: 100, perTenant: 50, perHost: 2, knowsSuspects: false }],
    ['it is known who does not answer', { crowds: 4, total: 100, perTenant: 50, perHost: 2, knowsSuspects: true }],
  ])(
    'passes no cap, overlaps nowhere, and starves nobody, where %s',
    async (_, { crowds, knowsSuspects, ...limits }) => {
      const endpoints = endpointsOf(crowds);
      const { broken, fullShare } = await dayOf(endpoints, limits, knowsSuspects);
      expect(broken).toEqual([]);
      const [crowd, small] = [endpoints.filter(({ isHole }) => isHole), endpoints.filter(({ isHole }) => !isHole)];
      // The others wait for a place at the most, which the next deadline frees, and miss no slot.
      expect(latestMs(small)).toBeLessThanOrEqual(deadlineMs + second);
      for (const { id, checks } of small) expect(Math.abs(checks.length - day / intervalMs), id).toBeLessThanOrEqual(1);
      // Who is known not to answer leaves a quarter of all places to them, however many tenants it has: nobody waits.
      const places = knowsSuspects ? 0.75 * limits.total : limits.total;
      const roundMs = (crowd.length * deadlineMs) / places;
      if (knowsSuspects) expect(latestMs(small, roundMs + deadlineMs)).toBeLessThan(second);
      else expect(fullShare).toBeGreaterThan(0.99);
      // There is a third of what the crowd would need: each of it has its turn, one as often as the other.
      expect(longestGapMs(crowd)).toBeLessThan(1.25 * roundMs);
      for (const { id, checks } of crowd) expect(Math.abs(checks.length - day / roundMs), id).toBeLessThan(4);
    },
  );
});
