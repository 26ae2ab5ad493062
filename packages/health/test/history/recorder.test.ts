import { coreErrors, silentLogger } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Resolution } from '../../src/history/resolution.js';
import { createRecorder } from '../../src/history/recorder.js';
import { healthMetrics } from '../../src/metrics.js';
import { createDirectory, type KeptEndpoint } from '../../src/monitoring/directory.js';
import { createCalendar } from '../../src/windows/calendar.js';
import { memoryHealthStore, type EndpointStatus, type HealthStore } from '../../src/index.js';
import { endpointRecord } from '../support/endpoints.js';
import { storedResults } from '../support/results.js';

/** A recorder over a store that notes what it is asked to write, and can be put out of reach. */
async function stage(maxPending = 1_000, isLeading = true) {
  const [clock, store, directory, metrics] = [fakeClock(), memoryHealthStore(), createDirectory(), new Registry()];
  const endpoint = endpointRecord();
  await store.tenant('acme').insert(endpoint);
  const kept = directory.add(endpoint);
  const writes: string[] = [];
  const reach: { broken: boolean; windowless: boolean; isFenced: boolean; isMute: boolean; next?: Promise<void> } = {
    ...{ broken: false, windowless: false, isFenced: false, isMute: false },
  };
  const logged: unknown[] = [];
  const watched: HealthStore = {
    ...store,
    windowsOf: (...ask) => (reach.windowless ? Promise.reject(new Error('out of reach')) : store.windowsOf(...ask)),
    async settle(settlement) {
      const { next } = reach;
      delete reach.next;
      await next;
      if (reach.broken) throw new Error('out of reach');
      if (reach.isFenced) throw coreErrors.LEASE_LOST({ key: 'health/monitor' });
      const { states, chunks, deltas, events } = settlement;
      const recent = chunks.filter(({ ring }) => ring === 'recent').reduce((sum, { added }) => sum + added, 0);
      writes.push(`${states.length} states, ${recent} results, ${deltas.length} buckets, ${events.length} events`);
      await store.settle(settlement);
      if (reach.isMute) throw new Error('the answer was lost');
    },
  };
  const recorder = createRecorder({
    store: watched,
    directory,
    calendar: createCalendar({ store: watched, clock }),
    publish: () => undefined,
    term: () => (isLeading ? { key: 'health/monitor', fence: 1 } : undefined),
    onFenced: () => undefined,
    clock,
    logger: { ...silentLogger, error: (fields: unknown) => void logged.push(fields) },
    metrics: healthMetrics(metrics),
    maxPending,
    rings: { recent: 1_000, issues: 1_000 },
  });
  onTestFinished(() => recorder.stop());
  /** What is noted, and stored, of an endpoint. */
  const of = (kept: KeptEndpoint) => {
    const { id } = kept.endpoint;
    const found = (status: EndpointStatus) => ({ status, at: clock.now(), code: 'seen', responseTimeMs: 1 });
    const note = (status: EndpointStatus): void => {
      const before = { status: kept.status, checkedAt: kept.checkedAt, isFlapping: kept.isFlapping };
      Object.assign(kept, { status, checkedAt: clock.now(), code: 'seen', responseTimeMs: 1, message: 'Noted' });
      recorder.record(kept, { message: 'Noted', ...found(status) }, before);
    };
    /** Traffic that counts for no status. */
    const sum = (): void => recorder.record(kept, { message: 'Seen', ...found('healthy') }, kept, true);
    const stored = async (): Promise<number> => (await storedResults(store, id)).length;
    /** Checks in the stored sums of a resolution. */
    const summed = async (resolution: Resolution = 'minute'): Promise<number> => {
      const span = { resolution, from: 0, until: clock.now() + 1 };
      const buckets = await store.tenant('acme').buckets(id, span);
      return buckets.reduce((sum, { counts }) => sum + Object.values(counts).reduce((a, b) => a + b), 0);
    };
    return { id, note, sum, stored, summed };
  };
  /** Another endpoint. */
  const another = async () => {
    const record = endpointRecord();
    await store.tenant('acme').insert(record);
    return of(directory.add(record));
  };
  return { clock, recorder, directory, endpoint, logged, metrics, reach, store, writes, another, ...of(kept) };
}

describe('a process that stood still until its lease was over', () => {
  it('shows its readers what is stored, and keeps what it has until it knows whether that is its own', async () => {
    const { recorder, note, reach, stored } = await stage();
    note('healthy');
    await recorder.flush();
    reach.isFenced = true;
    note('offline');
    await recorder.flush();
    await recorder.showChanges();
    expect(await stored()).toBe(1);
    reach.isFenced = false;
    await recorder.flush();
    expect(await stored()).toBe(2);
  });
});

describe('checks', () => {
  it('wait a minute, so that those of an endpoint are written together', async () => {
    const { clock, recorder, note, stored, summed, writes } = await stage();
    recorder.start();
    for (let count = 0; count < 20; count++) {
      note('healthy');
      await clock.advance(1_000);
    }
    // The first was a change of status, and settled at once.
    expect([await stored(), await summed()]).toEqual([1, 1]);
    writes.length = 0;
    await clock.advance(45_000);
    expect([await stored(), await summed()]).toEqual([20, 20]);
    expect(writes).toEqual(['1 states, 19 results, 3 buckets, 0 events']);
  });

  it('wait in memory while the store is out of reach, the newest of them, and the lost ones are counted', async () => {
    const { clock, recorder, metrics, note, reach, stored } = await stage(100);
    recorder.start();
    reach.broken = true;
    for (let count = 0; count < 250; count++) note('healthy');
    await clock.advance(5_000);
    reach.broken = false;
    await clock.advance(1_000);
    await recorder.flush();
    // They go by the chunk.
    const kept = await stored();
    expect(kept).toBeGreaterThan(80);
    expect(kept).toBeLessThanOrEqual(100);
    expect(await metrics.metrics()).toContain(`dotmac_health_samples_dropped_total ${250 - kept}`);
  });

  it('that change a status and are too many to wait are counted, and logged once a second', async () => {
    const { clock, recorder, metrics, note, reach, logged } = await stage(10);
    recorder.start();
    reach.broken = true;
    // Two events each: the change, and the incident that it begins or ends.
    for (let count = 0; count < 20; count++) note(count % 2 === 0 ? 'healthy' : 'offline');
    await clock.advance(3_000);
    const [, lost] = /dotmac_health_changes_dropped_total (\d+)/.exec(await metrics.metrics()) ?? [];
    expect(Number(lost)).toBeGreaterThan(5);
    expect(logged).toEqual([{ changes: Number(lost) }]);
  });

  it('of an endpoint that was removed meanwhile hold nothing up', async () => {
    const { clock, recorder, directory, endpoint, note, store, writes } = await stage();
    recorder.start();
    note('unknown');
    directory.remove('acme', endpoint.id);
    await store.tenant('acme').remove(endpoint.id);
    await clock.advance(70_000);
    expect(writes.length).toBeGreaterThan(0);
    expect(await store.tenant('acme').get(endpoint.id)).toBeUndefined();
  });
});

describe('sums', () => {
  it('are not lost while the store is out of reach, nor counted twice afterwards', async () => {
    const { clock, recorder, note, reach, summed } = await stage();
    recorder.start();
    reach.broken = true;
    for (let count = 0; count < 100; count++) {
      note('healthy');
      await clock.advance(1_000);
    }
    reach.broken = false;
    await recorder.flush();
    expect([await summed('minute'), await summed('hour'), await summed('day')]).toEqual([100, 100, 100]);
  });

  it('and changes wait as well while nobody can tell what is planned maintenance', async () => {
    const { clock, recorder, endpoint, note, reach, stored, summed, store, writes } = await stage();
    recorder.start();
    reach.windowless = true;
    for (const status of ['healthy', 'offline', 'healthy'] as const) note(status);
    await clock.advance(70_000);
    expect(writes).toEqual([]);
    reach.windowless = false;
    await clock.advance(1_000);
    expect(writes).toEqual(['1 states, 3 results, 3 buckets, 5 events']);
    expect([await stored(), await summed()]).toEqual([3, 3]);
    expect((await store.tenant('acme').get(endpoint.id))?.state).toMatchObject({ status: 'healthy' });
  });

  it('wait on when only changes of status are asked for', async () => {
    const { recorder, note, writes } = await stage();
    note('healthy');
    await recorder.showChanges();
    note('healthy');
    writes.length = 0;
    await recorder.showChanges();
    expect(writes).toEqual([]);
    note('offline');
    await recorder.showChanges();
    expect(writes).toEqual(['1 states, 2 results, 3 buckets, 2 events']);
  });

  it('are not lost when a settlement for a reader fails while a change is noted', async () => {
    const { clock, recorder, endpoint, note, reach, summed } = await stage();
    recorder.start();
    note('healthy');
    await recorder.flush();
    let fail: (error: Error) => void = () => undefined;
    reach.next = new Promise((_, reject) => (fail = reject));
    note('healthy');
    const read = recorder.flush([endpoint.id]);
    await clock.advance(0);
    // A change, which is settled at once.
    note('offline');
    await clock.advance(0);
    fail(new Error('out of reach'));
    await expect(read).rejects.toThrow('out of reach');
    await clock.advance(70_000);
    expect(await summed('day')).toBe(3);
  });

  it('of traffic alone are not lost with a settlement that fails, and neither is what they are settled with', async () => {
    const { recorder, id, note, sum, reach, stored, summed, another } = await stage();
    const other = await another();
    for (const it of [note, other.note]) it('healthy');
    await recorder.flush();
    sum();
    other.note('healthy');
    reach.next = Promise.reject(new Error('out of reach'));
    await expect(recorder.flush([id, other.id])).rejects.toThrow('out of reach');
    await recorder.flush();
    expect([await summed(), await stored()]).toEqual([2, 1]);
    expect([await other.summed(), await other.stored()]).toEqual([2, 2]);
  });

  it.each([
    ['monitors', true],
    ['does not monitor', false],
  ])('are counted once by a process that %s when the answer to a commit was lost', async (_, isLeading) => {
    const { recorder, note, sum, reach, store, summed, endpoint, writes } = await stage(1_000, isLeading);
    if (isLeading) note('healthy');
    else sum();
    await recorder.flush();
    sum();
    reach.isMute = true;
    await expect(recorder.flush()).rejects.toThrow('lost');
    reach.isMute = false;
    sum();
    await recorder.flush();
    expect(await summed()).toBe(3);
    expect(await summed('day')).toBe(3);
    expect(writes).toHaveLength(3);
    expect((await store.tenant('acme').get(endpoint.id))?.state?.status).toBe(isLeading ? 'healthy' : undefined);
  });

  it('that were refused are not taken for kept because another endpoint’s were kept since', async () => {
    const { recorder, id, note, sum, reach, summed, another } = await stage();
    const other = await another();
    for (const it of [note, other.note]) it('healthy');
    await recorder.flush();
    for (const it of [sum, other.sum]) it();
    reach.next = Promise.reject(new Error('refused'));
    const both = [recorder.flush([id]), recorder.flush([other.id])];
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    await recorder.flush();
    expect([await summed(), await other.summed()]).toEqual([2, 2]);
  });

  it('of one endpoint can be asked for at once', async () => {
    const { recorder, endpoint, note, summed } = await stage();
    note('healthy');
    await recorder.flush([endpoint.id]);
    expect(await summed('day')).toBe(1);
  });
});

describe('a change of status', () => {
  it('is stored at once', async () => {
    const { clock, recorder, endpoint, note, store, writes } = await stage();
    recorder.start();
    note('offline');
    await clock.advance(0);
    expect(writes[0]).toBe('1 states, 1 results, 3 buckets, 2 events');
    expect((await store.tenant('acme').get(endpoint.id))?.state).toMatchObject({ status: 'offline' });
  });

  it('waits with its checks, and none is lost, when the store comes back', async () => {
    const { clock, recorder, note, reach, stored, writes } = await stage();
    recorder.start();
    reach.broken = true;
    for (const status of ['healthy', 'offline', 'healthy'] as const) note(status);
    await clock.advance(3_000);
    expect(writes).toEqual([]);
    reach.broken = false;
    await clock.advance(1_000);
    expect(writes).toEqual(['1 states, 3 results, 3 buckets, 5 events']);
    expect(await stored()).toBe(3);
  });
});

describe('a recorder that stops', () => {
  it('stores what is left, and holds no timer', async () => {
    const { clock, recorder, note, stored } = await stage();
    recorder.start();
    note('unknown');
    await recorder.stop();
    expect(await stored()).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('has summed up every check, by minutes, hours and days', async () => {
    const { clock, recorder, note, summed } = await stage();
    recorder.start();
    for (let count = 0; count < 150; count++) {
      note(count % 3 ? 'healthy' : 'offline');
      await clock.advance(1_000);
    }
    await recorder.stop();
    expect([await summed('minute'), await summed('hour'), await summed('day')]).toEqual([150, 150, 150]);
  });

  it('tries again when its store fails once', async () => {
    const { recorder, note, reach, stored } = await stage();
    note('healthy');
    await recorder.flush();
    note('healthy');
    reach.next = Promise.reject(new Error('out of reach'));
    await recorder.stop();
    expect(await stored()).toBe(2);
  });

  it('does not fail because its store does', async () => {
    const { clock, recorder, note, reach } = await stage();
    recorder.start();
    reach.broken = true;
    note('healthy');
    await expect(recorder.stop()).resolves.toBeUndefined();
    expect(clock.pending).toBe(0);
    reach.broken = false;
  });
});
