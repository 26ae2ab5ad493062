import { silentLogger } from '@dotmac/core';
import { ConnectFailure, createConnector, type ConnectFailureCode, type Connector } from '@dotmac/core/net';
import { fakeClock, type FakeClock } from '@dotmac/core/testing';
import { Socket } from 'node:net';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineProbe, type Observation } from '../../src/probes/probe.js';
import type { EndpointRecord } from '../../src/endpoints/endpoint.js';
import { healthMetrics } from '../../src/metrics.js';
import { createClockSteps } from '../../src/monitoring/clock-steps.js';
import { createDirectory, uncheckedState, type Directory } from '../../src/monitoring/directory.js';
import { createMonitor, type Monitor } from '../../src/monitoring/monitor.js';
import { nextSlot } from '../../src/monitoring/phase.js';
import { preparation } from '../../src/monitoring/prepare.js';
import { probeRegistry } from '../../src/probes/registry.js';
import { endpointRecord } from '../support/endpoints.js';

const minute = 60_000;

interface Stage {
  clock: FakeClock;
  directory: Directory;
  monitor: Monitor;
  /** When each endpoint was checked, by port. */
  checks: Map<number, number[]>;
  /** What was recorded: the status shown, and the one that this check found. */
  recorded: string[];
  /** How many checks are under way, and how many were at most. */
  load: { now: number; most: number };
  network: Network;
  /** Each metric of the monitor itself, by its name and labels. */
  measured: () => Promise<Map<string, number>>;
}

/** What the other side does: how long it takes, and how it fails. */
interface Network {
  takesMs: number;
  /** Ports where it takes a minute. */
  slow: number[];
  fails: ConnectFailureCode | undefined;
}

/** A monitor whose connector is played by the test, on a clock that the test moves. */
function stage(endpoints: EndpointRecord[], { concurrency = 100, network = {} as Partial<Network> } = {}): Stage {
  const clock = fakeClock();
  const directory = createDirectory();
  const checks = new Map<number, number[]>();
  const load = { now: 0, most: 0 };
  const played: Network = { takesMs: 0, slow: [], fails: undefined, ...network };
  const recorded: string[] = [];
  const registry = new Registry();
  const connector: Connector = {
    judgeHost: () => undefined,
    secure: () => Promise.reject(new ConnectFailure('failed')),
    resolve: () => Promise.reject(new ConnectFailure('failed')),
    exchange: () => Promise.reject(new ConnectFailure('failed')),
    async connect({ host, port, signal }) {
      checks.set(port, [...(checks.get(port) ?? []), clock.now()]);
      load.most = Math.max(load.most, ++load.now);
      const started = clock.monotonic();
      try {
        const takesMs = played.slow.includes(port) ? minute : played.takesMs;
        if (takesMs > 0) await clock.sleep(takesMs, signal);
        if (played.fails) throw new ConnectFailure(played.fails);
        const timings = { dnsMs: 0, connectMs: clock.monotonic() - started, tlsMs: 0 };
        return { socket: new Socket(), remoteAddress: host, timings };
      } finally {
        load.now--;
      }
    },
  };
  const monitor = createMonitor({
    directory,
    prepare: preparation(probeRegistry(), undefined, { host: connector, tenant: connector }),
    recorder: { record: (kept, { status }) => void recorded.push(`${kept.status} (${status})`) },
    handOver: () => undefined,
    metrics: healthMetrics(registry),
    clock,
    steps: createClockSteps(clock),
    logger: silentLogger,
    limits: { total: concurrency, perTenant: concurrency, perHost: concurrency },
  });
  for (const endpoint of endpoints) directory.add(endpoint);
  onTestFinished(async () => {
    const stopped = monitor.stop();
    await clock.advance(10_000);
    await stopped;
  });
  const measured = async () => {
    const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  };
  return { clock, directory, monitor, checks, recorded, load, network: played, measured };
}

describe('an endpoint', () => {
  it('is checked at start when it never was, and then at the slots of its own phase', async () => {
    // Its id decides where its slots lie: not within ten milliseconds of the start, for what is so close begins together.
    const endpoint = endpointRecord({ id: 'a', checkInterval: 30 });
    const { clock, monitor, checks } = stage([endpoint]);
    const start = clock.now();
    monitor.start();
    monitor.lead();
    await clock.advance(3 * minute);
    const first = nextSlot(endpoint.id, 30_000, start);
    expect(checks.get(7)).toEqual([start, ...Array.from({ length: 6 }, (_, slot) => first + slot * 30_000)]);
  });

  it('that was checked before a restart waits for its slot', async () => {
    const endpoint = endpointRecord();
    const { clock, directory, monitor, checks } = stage([]);
    directory.add(endpoint, { ...uncheckedState, status: 'healthy', responseTimeMs: 1, checkedAt: 1 });
    const slot = nextSlot(endpoint.id, 30_000, clock.now());
    monitor.start();
    monitor.lead();
    await clock.advance(30_000);
    expect(checks.get(7)).toEqual([slot]);
  });

  it('is never checked twice at once, and keeps its phase when a check takes longer than the interval', async () => {
    const endpoint = endpointRecord({ checkInterval: 5, timeout: 60, expectedResponseTime: 30 });
    const { clock, monitor, checks, load } = stage([endpoint], { network: { takesMs: 12_000 } });
    const start = clock.now();
    monitor.start();
    monitor.lead();
    await clock.advance(minute);
    const [, ...later] = checks.get(7) ?? [];
    expect(load.most).toBe(1);
    expect(later.length).toBeGreaterThan(2);
    const phase = nextSlot(endpoint.id, 5_000, start) % 5_000;
    for (const at of later) expect(at % 5_000).toBe(phase);
    // 12 s in the way of a 5 s interval: every third slot is left.
    expect(later.slice(1).map((at, index) => at - (later[index] ?? 0))).toEqual(later.slice(1).map(() => 15_000));
  });

  it('is checked once more when that is asked for during a check', async () => {
    const endpoint = endpointRecord();
    const { clock, directory, monitor, checks, load } = stage([endpoint], { network: { takesMs: 500 } });
    const start = clock.now();
    monitor.start();
    monitor.lead();
    await clock.advance(100);
    const kept = directory.get(endpoint.id) ?? expect.unreachable();
    const answers = Array.from({ length: 5 }, () => monitor.checkNow(kept));
    await clock.advance(900);
    // Those who asked while it ran are content with its result.
    expect(await Promise.all(answers)).toEqual(Array(5).fill(expect.objectContaining({ status: 'healthy' })));
    expect(checks.get(7)).toEqual([start, start + 500]);
    expect(load.most).toBe(1);
  });

  it('is checked every second while its status is in doubt, and no longer', async () => {
    const endpoint = endpointRecord({ checkInterval: 60, retryCount: 3 });
    const { clock, monitor, checks, recorded } = stage([endpoint], { network: { fails: 'refused' } });
    const start = clock.now();
    monitor.start();
    monitor.lead();
    await clock.advance(5_000);
    expect(checks.get(7)?.slice(0, 3)).toEqual([start, start + 1_000, start + 2_000]);
    expect(recorded.slice(0, 3)).toEqual(['unknown (offline)', 'unknown (offline)', 'offline (offline)']);
    expect(checks.get(7)?.filter((at) => at > start + 2_000)).toEqual(
      [nextSlot(endpoint.id, 60_000, start + 2_000)].filter((at) => at <= start + 5_000),
    );
  });

  it('in doubt is checked as soon when it is changed meanwhile, or another process takes over', async () => {
    const endpoint = endpointRecord({ id: 'a', checkInterval: 3_600, retryCount: 2, recheckInterval: 10 });
    const { clock, directory, monitor, checks } = stage([]);
    const now = clock.now();
    const doubted = { ...uncheckedState, status: 'healthy', worse: 1, worseSince: now, checkedAt: now } as const;
    const kept = directory.add(endpoint, doubted);
    monitor.start();
    monitor.lead();
    const dueAt = Math.min(now + 10_000, nextSlot(endpoint.id, 3_600_000, now));
    expect(monitor.nextCheckOf(endpoint.id)).toBe(dueAt);
    await clock.advance(4_000);
    const { endpoint: _, ...state } = kept;
    monitor.watch(directory.add({ ...endpoint, tags: ['core'] }, state));
    await clock.advance(6_000);
    expect(checks.get(7)?.[0]).toBe(dueAt);
  });

  it('that somebody else found otherwise is checked soon, once nothing more comes that could decide it', async () => {
    const endpoint = endpointRecord({ id: 'a', checkInterval: 86_400, recheckInterval: 10 });
    const { clock, directory, monitor, checks } = stage([]);
    const kept = directory.add(endpoint, { ...uncheckedState, status: 'healthy', checkedAt: clock.now() });
    monitor.start();
    monitor.lead();
    const slot = nextSlot(endpoint.id, 86_400_000, clock.now());
    const heard = (status: 'critical' | 'healthy'): void =>
      monitor.take(kept, { status, code: 'ok', responseTimeMs: 1, message: 'Seen' }, clock.now());
    for (let second = 0; second < 2; second++) {
      await clock.advance(1_000);
      heard('critical');
      expect(monitor.nextCheckOf(endpoint.id)).toBe(Math.min(clock.now() + 11_000, slot));
    }
    await clock.advance(1_000);
    heard('critical');
    expect([kept.status, monitor.nextCheckOf(endpoint.id)]).toEqual(['critical', slot]);
    await clock.advance(1_000);
    heard('healthy');
    await clock.advance(1_000);
    heard('critical');
    const dueAt = Math.min(clock.now() + 11_000, slot);
    await clock.advance(11_000);
    expect(checks.get(7)?.[0]).toBe(dueAt);
  });

  it('keeps its status over a trouble of our own', async () => {
    const endpoint = endpointRecord({ checkInterval: 5, retryCount: 10 });
    const { clock, monitor, recorded, network } = stage([endpoint]);
    monitor.start();
    monitor.lead();
    await clock.advance(0);
    network.fails = 'dns_failed';
    await clock.advance(6_000);
    network.fails = undefined;
    await clock.advance(1_000);
    expect(recorded).toContain('healthy (unknown)');
    expect(recorded.at(-1)).toBe('healthy (healthy)');
    expect(recorded.filter((it) => it.startsWith('unknown'))).toEqual([]);
  });

  it('is not checked any more once it is removed, and a check under way leaves no trace', async () => {
    const [endpoint, other] = [endpointRecord({ port: 1 }), endpointRecord({ port: 2 })];
    const { clock, directory, monitor, checks, recorded } = stage([endpoint, other], { network: { takesMs: 500 } });
    monitor.start();
    monitor.lead();
    await clock.advance(100);
    directory.remove('acme', endpoint.id);
    monitor.forget(endpoint.id);
    await clock.advance(5 * minute);
    expect(checks.get(1)).toHaveLength(1);
    expect(checks.get(2)?.length).toBeGreaterThan(9);
    const ended = (checks.get(2) ?? []).filter((at) => at <= clock.now() - 500);
    expect(recorded).toHaveLength(ended.length);
  });
});

describe('an endpoint that was changed', () => {
  it('is checked as it is now, and a check under way of what it was leaves no trace', async () => {
    const endpoint = endpointRecord({ id: 'a', port: 1 });
    const { clock, directory, monitor, checks, recorded } = stage([endpoint], { network: { takesMs: 500 } });
    monitor.start();
    monitor.lead();
    await clock.advance(100);
    const asked = monitor.checkNow(directory.get(endpoint.id) ?? expect.unreachable());
    monitor.watch(directory.add({ ...endpoint, port: 2 }));
    await clock.advance(500);
    expect(await asked).toBeUndefined();
    expect(recorded).toEqual([]);
    await clock.advance(500);
    expect([checks.get(1)?.length, checks.get(2)?.length, recorded.length]).toEqual([1, 1, 1]);
  });

  it('is checked when it was asked for, before its own slot', async () => {
    const endpoint = endpointRecord({ id: 'a', checkInterval: 3_600 });
    const { clock, directory, monitor, checks } = stage([]);
    const state = { ...uncheckedState, status: 'healthy', checkedAt: clock.now() } as const;
    const kept = directory.add(endpoint, state);
    monitor.start();
    monitor.lead();
    const asked = monitor.checkNow(kept);
    monitor.watch(directory.add({ ...endpoint, tags: ['core'] }, state));
    await clock.advance(0);
    expect(checks.get(7)).toHaveLength(1);
    expect(await asked).toMatchObject({ status: 'healthy' });
  });

  describe('while a check that was asked for waits for its place', () => {
    /** Another endpoint has the only place. */
    async function waitingStage({ isLeading }: { isLeading: boolean }) {
      const endpoint = endpointRecord({ id: 'a', port: 1, checkInterval: 3_600 });
      const staged = stage([], { concurrency: 1, network: { takesMs: 500 } });
      const { clock, directory, monitor } = staged;
      const state = { ...uncheckedState, status: 'healthy', checkedAt: clock.now() } as const;
      monitor.start();
      if (isLeading) monitor.lead();
      void monitor.checkNow(directory.add(endpointRecord({ id: 'b', port: 2 }), state));
      await clock.advance(0);
      const asked = monitor.checkNow(directory.add(endpoint, state));
      await clock.advance(0);
      const becomes = (more: Partial<EndpointRecord>) => monitor.watch(directory.add({ ...endpoint, ...more }, state));
      return { ...staged, asked, becomes };
    }

    it.each([true, false])('says that there is none when it is paused (monitors: %s)', async (isLeading) => {
      const { clock, checks, asked, becomes } = await waitingStage({ isLeading });
      becomes({ pausedAt: clock.now() });
      await clock.advance(minute);
      expect([await asked, checks.get(1)]).toEqual([undefined, undefined]);
    });

    it.each([true, false])('has its check when it is renamed (monitors: %s)', async (isLeading) => {
      const { clock, asked, becomes } = await waitingStage({ isLeading });
      becomes({ name: 'renamed' });
      await clock.advance(minute);
      expect(await asked).toMatchObject({ status: 'healthy' });
    });

    it('says that there is none when another process monitors from then on', async () => {
      const { clock, monitor, asked } = await waitingStage({ isLeading: true });
      monitor.standBy();
      await clock.advance(minute);
      expect(await asked).toBeUndefined();
    });
  });

  it('is left alone while it is paused', async () => {
    const endpoint = endpointRecord();
    const { clock, directory, monitor, checks } = stage([endpoint]);
    monitor.start();
    monitor.lead();
    await clock.advance(0);
    monitor.watch(directory.add({ ...endpoint, pausedAt: clock.now() }));
    await clock.advance(5 * minute);
    expect(checks.get(7)).toHaveLength(1);
    monitor.watch(directory.add(endpoint));
    await clock.advance(0);
    expect(checks.get(7)).toHaveLength(2);
  });

  it('is unknown, with the reason, when nobody can check it here', async () => {
    const endpoints = [
      endpointRecord({ id: 'a', serviceType: 'queue_depth' }),
      endpointRecord({ id: 'b', config: { no: 'such' } }),
      endpointRecord({ id: 'c', secrets: { token: 'sealed by somebody' } }),
    ];
    const { clock, directory, monitor } = stage(endpoints);
    monitor.start();
    monitor.lead();
    await clock.advance(5_000);
    const said = (id: string) => [directory.get(id)?.status, directory.get(id)?.message];
    expect([said('a'), said('b'), said('c')]).toEqual([
      ['unknown', 'There is no probe for this service type here'],
      ['unknown', 'Its configuration does not fit its probe any more'],
      ['unknown', 'Its secrets cannot be opened here: set them again'],
    ]);
  });
});

/** A monitor of one endpoint, whose probe ignores its signal. Statuses and codes are what checks found, one after the other. */
function deafStage(more: Partial<EndpointRecord> = {}, { ownRecords = false } = {}) {
  const clock = fakeClock();
  const directory = createDirectory();
  let begun = 0;
  let end: (observation: Observation) => void = () => undefined;
  const deaf = defineProbe({
    serviceType: 'deaf',
    summary: 'Ignores its signal',
    addressing: 'none',
    config: z.unknown(),
    ownRecords,
    run: () => new Promise((resolve) => ((begun += 1), (end = resolve))),
  });
  const found: [status: string, code: string][] = [];
  const monitor = createMonitor({
    directory,
    prepare: preparation(probeRegistry([deaf]), undefined, { host: createConnector(), tenant: createConnector() }),
    recorder: { record: (_, { status, code }) => void found.push([status, code]) },
    handOver: () => undefined,
    metrics: undefined,
    clock,
    steps: createClockSteps(clock),
    logger: silentLogger,
    limits: { total: 1, perTenant: 1, perHost: 1 },
  });
  // Its slots follow from its id: none of them is so late that the monitor stops in the middle of a check.
  const endpoint = endpointRecord({ id: 'endpoint-1', serviceType: 'deaf', timeout: 1, checkInterval: 5, ...more });
  const state = { ...uncheckedState, status: 'healthy', since: clock.now(), checkedAt: clock.now() } as const;
  directory.add(endpoint, state);
  monitor.start();
  monitor.lead();
  const answer = (): void => end({ responseTimeMs: 1, message: 'At last' });
  onTestFinished(() => {
    answer();
    return monitor.stop();
  });
  const kept = () => directory.get(endpoint.id) ?? expect.unreachable();
  const becomes = (change: Partial<EndpointRecord>) =>
    monitor.watch(directory.add({ ...endpoint, ...change }, { ...kept() }));
  return { clock, monitor, kept, found, becomes, begun: () => begun, answer };
}

describe('a probe', () => {
  it('that goes on after its deadline is not begun again before it has ended', async () => {
    const { clock, found, begun, answer } = deafStage({ retryCount: 1 });
    await clock.advance(11_500);
    expect([begun(), found[0], new Set(found.slice(1).map(String))]).toEqual([
      1,
      ['offline', 'timeout'],
      new Set(['offline,check_stuck']),
    ]);
    answer();
    await clock.advance(6_000);
    expect(begun()).toBe(2);
  });

  it('that never ends is begun again after five minutes, for what is asked may have come back', async () => {
    const { clock, kept, begun, answer } = deafStage({ retryCount: 1 });
    await clock.advance(4 * 60_000);
    expect([begun(), kept().status]).toEqual([1, 'offline']);
    await clock.advance(70_000);
    expect(begun()).toBe(2);
    answer();
    await clock.advance(5_000);
    expect(kept().status).toBe('healthy');
  });

  it('that never ends makes its endpoint offline as soon as one that tells of each deadline', async () => {
    const { clock, kept, found } = deafStage({ retryCount: 3 });
    await clock.advance(10_000);
    expect(kept()).toMatchObject({
      status: 'offline',
      code: 'check_stuck',
      message: 'No answer in time; the check before still waits',
    });
    expect(found.slice(0, 3).map(([status]) => status)).toEqual(['offline', 'offline', 'offline']);
  });

  it('of our own records that never ends blames nobody', async () => {
    const { clock, kept, found } = deafStage({ retryCount: 3 }, { ownRecords: true });
    await clock.advance(15_000);
    expect(kept().status).toBe('unknown');
    expect(new Set(found.map(String))).toEqual(new Set(['unknown,check_failed']));
  });

  it('that was stopped with the monitor is not taken for late when that starts again', async () => {
    const { clock, found, monitor } = deafStage({ retryCount: 1, timeout: 20 });
    await clock.advance(5_000);
    const stopped = monitor.stop();
    await clock.advance(10_000);
    await stopped;
    monitor.start();
    monitor.lead();
    await clock.advance(30_000);
    expect(found[0]).toEqual(['offline', 'timeout']);
  });

  it('that goes on says nothing of where its endpoint is asked now', async () => {
    const { clock, found, becomes, begun } = deafStage({ retryCount: 1 });
    await clock.advance(11_500);
    becomes({ config: { elsewhere: true } });
    found.length = 0;
    await clock.advance(5_500);
    expect([begun(), found[0]]).toEqual([2, ['offline', 'timeout']]);
  });
});

/** Endpoints whose slots are the same in every run: their ids decide them. Those of the first eleven lie far apart. */
const many = (count: number): EndpointRecord[] =>
  Array.from({ length: count }, (_, port) => endpointRecord({ id: `endpoint-${port + 1}`, port: port + 1 }));

describe('many endpoints', () => {
  it('are checked no more at once than allowed, and all of them in the end', async () => {
    const often = many(50).map((endpoint) => ({ ...endpoint, checkInterval: 5 }));
    const { clock, monitor, checks, load } = stage(often, { concurrency: 8, network: { takesMs: 4_000 } });
    monitor.start();
    monitor.lead();
    await clock.advance(minute);
    expect(load.most).toBe(8);
    expect(checks.size).toBe(50);
  });

  it('that were never checked are all checked at the start when there are places for all of them', async () => {
    const { clock, monitor, checks } = stage(many(10), { concurrency: 10 });
    const start = clock.now();
    monitor.start();
    monitor.lead();
    await clock.advance(0);
    expect([...checks.values()]).toEqual(Array(10).fill([start]));
  });

  it('that were never checked wait for their own slots when they are more than the places', async () => {
    const endpoints = many(11);
    const { clock, monitor, checks } = stage(endpoints, { concurrency: 10 });
    const start = clock.now();
    monitor.start();
    monitor.lead();
    await clock.advance(30_000);
    for (const { id, port } of endpoints) expect(checks.get(port ?? 0)).toEqual([nextSlot(id, 30_000, start)]);
  });

  it('do not wait for a slow one', async () => {
    const endpoints = [endpointRecord({ port: 1 }), endpointRecord({ port: 2, checkInterval: 5 })];
    const { clock, monitor, checks } = stage(endpoints, { network: { slow: [1] } });
    monitor.start();
    monitor.lead();
    await clock.advance(minute - 1);
    // The slow one is given up at its timeout, and tried again.
    expect(checks.get(1)?.length).toBeLessThan(12);
    expect(checks.get(2)?.length).toBeGreaterThanOrEqual(12);
  });
});

describe('a fifth of many endpoints that is swallowed at once', () => {
  it('does not delay the others, with the places that a tenant has', async () => {
    const endpoints = many(1_000);
    const isSwallowed = ({ port }: EndpointRecord): boolean => port !== null && port % 5 === 0;
    const network = { takesMs: 20, slow: [] as number[] };
    const { clock, monitor, checks, directory, network: played } = stage(endpoints, { concurrency: 50, network });
    monitor.start();
    monitor.lead();
    await clock.advance(minute);
    played.slow = endpoints.filter(isSwallowed).map(({ port }) => port ?? 0);
    const from = clock.now();
    await clock.advance(3 * minute);
    const lateMs = endpoints.flatMap((endpoint) => {
      const { id, port } = endpoint;
      if (isSwallowed(endpoint)) return [];
      // How long before each check its slot was.
      return (checks.get(port ?? 0) ?? [])
        .filter((at) => at > from)
        .map((at) => at + 30_000 - nextSlot(id, 30_000, at));
    });
    expect(lateMs.length).toBeGreaterThanOrEqual(800 * 6);
    expect(Math.max(...lateMs)).toBeLessThan(1_000);
    // And they were all found out meanwhile.
    for (const { id, port } of endpoints.filter(isSwallowed))
      expect([port, directory.get(id)?.status]).toEqual([port, 'offline']);
  });
});

describe('the metrics of a monitor', () => {
  it('tell what runs, what waits for a place, and how late checks began', async () => {
    const network = { takesMs: 2_000 };
    const { clock, directory, monitor, measured } = stage([endpointRecord(), endpointRecord()], {
      ...{ concurrency: 1, network },
    });
    monitor.start();
    const asked = [...directory.all()].map((kept) => monitor.checkNow(kept));
    await clock.advance(100);
    const figures = async () => {
      const all = await measured();
      const gauges = ['running', 'waiting', 'planned'].map((name) => all.get(`dotmac_health_checks_${name}`));
      const lag = ['count', 'sum'].map((name) => all.get(`dotmac_health_schedule_lag_seconds_${name}`));
      return { gauges, lag };
    };
    expect(await figures()).toEqual({ gauges: [1, 1, 0], lag: [1, 0] });
    await clock.advance(2_000);
    // The second began when the first ended.
    expect(await figures()).toEqual({ gauges: [1, 0, 0], lag: [2, 2] });
    await clock.advance(2_000);
    await Promise.all(asked);
    expect(await figures()).toEqual({ gauges: [0, 0, 0], lag: [2, 2] });
    expect((await measured()).get('dotmac_health_schedule_lag_seconds_bucket{le="1"}')).toBe(1);
  });
});

describe('stopping', () => {
  it('waits for the checks under way, records them and begins none', async () => {
    const { clock, directory, monitor, checks, recorded } = stage([endpointRecord(), endpointRecord()], {
      concurrency: 1,
      network: { takesMs: 2_000 },
    });
    monitor.start();
    monitor.lead();
    for (const kept of directory.all()) void monitor.checkNow(kept);
    await clock.advance(100);
    let stopped = false;
    const stopping = monitor.stop().then(() => (stopped = true));
    await clock.advance(1_000);
    expect(stopped).toBe(false);
    await clock.advance(1_000);
    await stopping;
    expect(recorded).toEqual(['degraded (degraded)']);
    await clock.advance(5 * minute);
    expect(checks.get(7)).toHaveLength(1);
  });

  it('aborts a check that outlasts the grace, and does not record it', async () => {
    const { clock, monitor, recorded } = stage([endpointRecord({ timeout: 60 })], { network: { takesMs: 60_000 } });
    const start = clock.now();
    monitor.start();
    monitor.lead();
    await clock.advance(100);
    const stopping = monitor.stop();
    await clock.advance(10_000);
    await stopping;
    expect(clock.now() - start).toBeLessThan(11_000);
    expect(recorded).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('lets a monitor start again', async () => {
    const endpoint = endpointRecord();
    const { clock, monitor, checks } = stage([endpoint]);
    monitor.start();
    monitor.lead();
    await clock.advance(0);
    await monitor.stop();
    await clock.advance(minute);
    expect(checks.get(7)).toHaveLength(1);
    monitor.start();
    monitor.lead();
    await clock.advance(minute);
    expect(checks.get(7)?.length).toBeGreaterThanOrEqual(3);
  });
});
