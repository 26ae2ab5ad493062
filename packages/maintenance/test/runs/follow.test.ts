import { setMaxListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock, type FakeClock } from '@dotmac/core/testing';
import {
  createMaintenance,
  memoryMaintenanceStore,
  type MaintenanceModule,
  type MaintenanceStore,
} from '../../src/index.js';
import { lastingTask } from '../support/lasting-task.js';

describe('streams of runs', () => {
  let clock: FakeClock;
  let maintenance: MaintenanceModule;
  let last: ReturnType<typeof lastingTask>;
  let reads = 0;
  let isDown = false;
  let hanging: string | undefined;

  /** The store, its reads of single runs counted. */
  const counted = (store: MaintenanceStore): MaintenanceStore => ({
    ...store,
    runs(tenantId) {
      const own = store.runs(tenantId);
      const get: typeof own.get = (id) => {
        reads += 1;
        if (id === hanging) return new Promise(() => undefined);
        return isDown ? Promise.reject(new Error('out of reach')) : own.get(id);
      };
      return { ...own, get };
    },
  });

  beforeEach(async () => {
    clock = fakeClock();
    last = lastingTask();
    [isDown, hanging] = [false, undefined];
    const store = counted(memoryMaintenanceStore({ clock }));
    maintenance = createMaintenance({ store, clock, tasks: [last.task], throttle: [], startScheduler: false });
    await maintenance.start();
  });
  afterEach(() => maintenance.stop());

  const runsOf = (tenantId: string) => maintenance.scope({ tenantId }).runs;
  const begin = async (tenantId: string) => (await runsOf(tenantId).beginRun('last', {})).taskId;
  const endingsOf = async (following: AsyncIterable<{ event: string }>) => {
    const seen: string[] = [];
    for await (const { event } of following) seen.push(event);
    return seen;
  };
  const crowdEnding = () => {
    const ending = new AbortController();
    setMaxListeners(0, ending.signal);
    return ending;
  };
  /** Reads of the store within a second. */
  const readsASecond = async () => {
    const before = reads;
    await clock.advance(1_000);
    return reads - before;
  };

  it('ask once a second for each run, however many follow it, and for none that nobody follows', async () => {
    const id = await begin('acme');
    expect(await readsASecond()).toBe(0);
    const ending = crowdEnding();
    const streams = await Promise.all(Array.from({ length: 20 }, () => runsOf('acme').follow(id, ending.signal)));
    const all = Promise.all(streams.map(endingsOf));
    expect(await readsASecond()).toBe(1);
    ending.abort();
    expect((await all).flat()).toEqual(Array.from({ length: 20 }, () => 'progress'));
    await clock.advance(1_000);
    expect(await readsASecond()).toBe(0);
  });

  it('of one tenant leave room for those of another', async () => {
    const [ours, theirs] = [await begin('acme'), await begin('globex')];
    const ending = crowdEnding();
    for (let count = 0; count < 100; count++) await runsOf('acme').follow(ours, ending.signal);
    await expect(runsOf('acme').follow(ours)).rejects.toMatchObject({ code: 'STREAM_LIMIT_REACHED' });
    const other = endingsOf(await runsOf('globex').follow(theirs, ending.signal));
    ending.abort();
    expect(await other).toEqual(['progress']);
    // Streams that nobody ever read have given back their places.
    const again = endingsOf(await runsOf('acme').follow(ours));
    last.runs[0]?.end();
    await clock.advance(1_000);
    expect(await again).toEqual(['progress', 'ended']);
  });

  it('keep no place once they are over, read or not, within the limits that the host sets', async () => {
    await maintenance.stop();
    const limits = { maxStreams: 2, maxStreamsPerTenant: 1 };
    const store = memoryMaintenanceStore({ clock });
    maintenance = createMaintenance({ ...{ store, clock, tasks: [last.task], startScheduler: false }, ...limits });
    await maintenance.start();
    const [ours, theirs, third] = [await begin('acme'), await begin('globex'), await begin('initech')];
    await runsOf('acme').follow(ours, AbortSignal.abort());
    await (await runsOf('acme').follow(ours))[Symbol.asyncIterator]().return?.();
    const open = (await runsOf('acme').follow(ours))[Symbol.asyncIterator]();
    await expect(runsOf('acme').follow(ours)).rejects.toMatchObject({ code: 'STREAM_LIMIT_REACHED' });
    await runsOf('globex').follow(theirs);
    await expect(runsOf('initech').follow(third)).rejects.toMatchObject({ code: 'STREAMS_FULL' });
    await open.return?.();
    await runsOf('initech').follow(third);
  });

  it('outlast a store that is out of reach for a while', async () => {
    const following = endingsOf(await runsOf('acme').follow(await begin('acme')));
    isDown = true;
    await clock.advance(3_000);
    isDown = false;
    last.runs[0]?.end();
    await clock.advance(1_000);
    expect(await following).toEqual(['progress', 'ended']);
  });

  it('do not wait for each other’s answers', async () => {
    const [ours, theirs] = [await begin('acme'), await begin('globex')];
    const silent = endingsOf(await runsOf('acme').follow(ours));
    const other = endingsOf(await runsOf('globex').follow(theirs));
    hanging = ours;
    for (const { end } of last.runs) end();
    await clock.advance(1_000);
    expect(await other).toEqual(['progress', 'ended']);
    await maintenance.stop();
    expect(await silent).toEqual(['progress']);
  });

  it('end when the process stops, and are refused until it starts again', async () => {
    const id = await begin('acme');
    const following = endingsOf(await runsOf('acme').follow(id));
    await maintenance.stop();
    expect(await following).toEqual(['progress']);
    await expect(runsOf('acme').follow(id)).rejects.toMatchObject({ code: 'STREAMS_ENDED' });
    await maintenance.start();
    expect(await endingsOf(await runsOf('acme').follow(id))).toEqual(['ended']);
  });
});
