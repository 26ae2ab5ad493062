import { silentLogger } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRecorder } from '../../src/history/recorder.js';
import { healthMetrics } from '../../src/metrics.js';
import { createDirectory } from '../../src/monitoring/directory.js';
import { memoryHealthStore, type EndpointStatus, type HealthStore } from '../../src/index.js';
import { endpointRecord } from '../support/endpoints.js';

/** A recorder over a store that notes what it is asked to write, and can be put out of reach. */
async function stage(maxPending = 1_000) {
  const [clock, store, directory, metrics] = [fakeClock(), memoryHealthStore(), createDirectory(), new Registry()];
  const endpoint = endpointRecord();
  await store.tenant('acme').insert(endpoint);
  const kept = directory.add(endpoint);
  const writes: string[] = [];
  const reach = { broken: false };
  const watched: HealthStore = {
    ...store,
    async saveSamples(samples, states) {
      if (reach.broken) throw new Error('out of reach');
      writes.push(`${samples.length} samples`);
      await store.saveSamples(samples, states);
    },
    async saveChanges(changes) {
      if (reach.broken) throw new Error('out of reach');
      writes.push(`${changes.length} changes`);
      await store.saveChanges(changes);
    },
  };
  const recorder = createRecorder({
    store: watched,
    directory,
    publish: () => undefined,
    clock,
    logger: silentLogger,
    metrics: healthMetrics(metrics),
    maxPending,
  });
  onTestFinished(() => recorder.stop());
  const note = (status: EndpointStatus, from = kept.status): void => {
    const at = clock.now();
    Object.assign(kept, { status, checkedAt: at, responseTimeMs: 1, message: 'Noted' });
    recorder.record(kept, { status, at, responseTimeMs: 1, message: 'Noted' }, from);
  };
  const stored = async (): Promise<number> => {
    const window = { from: 0, until: clock.now() + 1, bucketMs: 1e12, percentiles: [], issues: 0 };
    const { buckets } = await store.tenant('acme').aggregate(endpoint.id, window);
    return buckets.reduce((sum, { count }) => sum + count, 0);
  };
  return { clock, recorder, directory, endpoint, metrics, note, reach, store, stored, writes };
}

describe('checks', () => {
  it('are stored once a second, together', async () => {
    const { clock, recorder, note, writes } = await stage();
    recorder.start();
    note('healthy');
    await clock.advance(0);
    writes.length = 0;
    for (let count = 0; count < 10; count++) note('healthy');
    await clock.advance(900);
    expect(writes).toEqual([]);
    await clock.advance(200);
    expect(writes).toEqual(['10 samples']);
  });

  it('are stored in batches of bounded size', async () => {
    const { recorder, note, writes } = await stage(10_000);
    for (let count = 0; count < 1_200; count++) note('unknown');
    await recorder.flush();
    expect(writes).toEqual(['500 samples', '500 samples', '200 samples']);
  });

  it('wait in memory while the store is out of reach, the newest of them, and the lost ones are counted', async () => {
    const { clock, recorder, metrics, note, reach, stored } = await stage(100);
    recorder.start();
    reach.broken = true;
    for (let count = 0; count < 250; count++) note('unknown');
    await clock.advance(5_000);
    reach.broken = false;
    await clock.advance(1_000);
    expect(await stored()).toBe(100);
    expect(await metrics.metrics()).toContain('dotmac_health_samples_dropped_total 150');
  });

  it('of an endpoint that was removed meanwhile hold nothing up', async () => {
    const { clock, recorder, directory, endpoint, note, store, writes } = await stage();
    recorder.start();
    note('unknown');
    directory.remove('acme', endpoint.id);
    await store.tenant('acme').remove(endpoint.id);
    await clock.advance(1_000);
    expect(writes).toEqual(['1 samples']);
    expect(await store.tenant('acme').get(endpoint.id)).toBeUndefined();
  });
});

describe('a change of status', () => {
  it('is stored at once', async () => {
    const { clock, recorder, endpoint, note, store, writes } = await stage();
    recorder.start();
    note('offline');
    await clock.advance(0);
    expect(writes[0]).toBe('1 changes');
    expect((await store.tenant('acme').get(endpoint.id))?.state).toMatchObject({ status: 'offline' });
  });

  it('is stored before the checks that wait, and none is lost, when the store comes back', async () => {
    const { clock, recorder, note, reach, stored, writes } = await stage();
    recorder.start();
    reach.broken = true;
    for (const status of ['healthy', 'offline', 'healthy'] as const) note(status);
    await clock.advance(3_000);
    expect(writes).toEqual([]);
    reach.broken = false;
    await clock.advance(1_000);
    expect(writes).toEqual(['3 changes', '3 samples']);
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
