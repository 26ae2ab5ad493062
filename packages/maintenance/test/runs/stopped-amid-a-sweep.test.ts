import { expect, it } from 'vitest';
import { newId } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { began } from '../../src/testing/samples.js';

/** A module that is in the middle of looking after dead processes, and how often it turned to its store for what. */
async function amidSweep() {
  const clock = fakeClock();
  const store = memoryMaintenanceStore({ clock });
  const asked: PropertyKey[] = [];
  const watched = new Proxy(store, {
    get: (target, name) => (asked.push(name), target[name as keyof typeof store]),
  });
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => (goOn = resolve));
  const maintenance = createMaintenance({ store: watched, clock, throttle: [], onRunFailed: () => held });
  await maintenance.start();
  await store.runs('acme').insert({ ...began, id: newId(), scopeId: '' });
  await clock.advance(60_000);
  expect(await store.runs('acme').list({ limit: 10 })).toMatchObject([{ stopReason: 'abandoned' }]);
  return { clock, maintenance, asked, goOn };
}

it('waits for the sweep that is under way, and leaves the store alone from then on', async () => {
  const { clock, maintenance, asked, goOn } = await amidSweep();
  let isStopped = false;
  const stopped = maintenance.stop().then(() => (isStopped = true));
  await clock.advance(0);
  expect([isStopped, maintenance.readiness().ready]).toEqual([false, false]);
  goOn();
  await stopped;
  asked.length = 0;
  await clock.advance(300_000);
  expect(asked).toEqual([]);
  expect(maintenance.readiness()).toMatchObject({ ready: false, parts: { store: 'stopped' } });
});

it('sweeps once a minute, though it was stopped and started in the middle of a sweep', async () => {
  const { clock, maintenance, asked, goOn } = await amidSweep();
  const stopped = maintenance.stop();
  await clock.advance(0);
  await maintenance.start();
  goOn();
  await stopped;
  expect(maintenance.readiness().ready).toBe(true);
  asked.length = 0;
  await clock.advance(180_000);
  expect(asked.filter((name) => name === 'runningRuns')).toHaveLength(3);
  await maintenance.stop();
});
