import type { WakeHandler, Waker } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createLifecycle } from '../../src/lifecycle.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import { runKey } from '../../src/store/store.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const template = defineServiceTemplate({
  name: 'internet',
  config: z
    .object({ vlan: z.int().default(100) })
    .refine(async ({ vlan }) => Promise.resolve(vlan < 4_096), 'No such VLAN'),
  steps: [{ key: 'port', run: () => undefined }],
});

describe('a waker of the host', () => {
  const clock = fakeClock();
  let handler: WakeHandler | undefined;
  let isDown = true;
  const waker: Waker = {
    wake: (key) => {
      if (isDown) throw new Error('redis is down');
      void handler?.(key, new AbortController().signal);
    },
    start: (given) => void (handler = given),
    stop: () => Promise.resolve(),
  };
  let run: Rig;
  beforeEach(async () => {
    isDown = true;
    const backend = { store: memoryLifecycleStore({ clock }), clock, close: () => Promise.resolve() };
    run = await rig(backend, { templates: [template], waker, sweepMs: 10_000 });
  });
  afterEach(() => run.stop());

  it('that is down delays a run, and the sweep finds it', async () => {
    const id = await run.active();
    const service = await run.acme.services.request(id, { serviceName: 'internet' });
    await clock.advance(9_000);
    expect(await run.acme.provisioning.get(service.id)).toMatchObject({ status: 'pending' });
    isDown = false;
    await until(async () => (await run.acme.provisioning.get(service.id)).status === 'active', clock, 1_000);
  });

  it('runs templates whose configuration is checked asynchronously', async () => {
    isDown = false;
    const id = await run.active();
    const request = (vlan: number) =>
      run.acme.services.request(id, { serviceName: 'internet', customConfig: { vlan } });
    await expect(request(5_000)).rejects.toMatchObject({ code: 'INVALID_SERVICE_CONFIG' });
    const service = await request(7);
    await until(async () => (await run.acme.provisioning.get(service.id)).status === 'active', clock, 1_000);
  });
});

it('a waker of the host that wakes a run twice at once has it cut short at once all the same, when it is cancelled', async () => {
  const clock = fakeClock();
  const calls: string[] = [];
  const slow = defineServiceTemplate({
    name: 'slow',
    config: z.object({}),
    steps: [
      {
        key: 'port',
        run: ({ signal }) =>
          new Promise((_, reject) => {
            calls.push('port');
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          }),
        compensate: () => void calls.push('release'),
      },
    ],
  });
  const woken: Promise<void>[] = [];
  let handle: (key: string) => void = () => undefined;
  const waker: Waker = {
    wake: (key, at) => (at <= clock.now() ? handle(key) : undefined),
    start: (given) => void (handle = (key) => void woken.push(given(key, new AbortController().signal))),
    stop: () => Promise.resolve(),
  };
  const store = memoryLifecycleStore({ clock });
  const run = await rig({ store, clock, close: () => Promise.resolve() }, { templates: [slow], waker });
  const { id } = await run.acme.services.request(await run.active(), { serviceName: 'slow' });
  await until(() => calls.includes('port'), clock, 0);
  handle(runKey('acme', id));
  await woken.at(-1);
  await run.acme.provisioning.cancel(id);
  // Time stands still: no renewal of the lease comes to its help.
  await until(async () => (await run.acme.provisioning.get(id)).runStatus === 'cancelled', clock, 0);
  expect(calls).toEqual(['port', 'release']);
  await run.stop();
});

describe('a process without a run’s template', () => {
  it('leaves the run to others without putting it off', async () => {
    const clock = fakeClock();
    const store = memoryLifecycleStore({ clock });
    const backend = { store, clock, close: () => Promise.resolve() };
    const old = await rig(backend);
    const id = await old.active();
    const stopped = createLifecycle({ store, clock, templates: [template] });
    const { services } = stopped.scope({ tenantId: 'acme' });
    const { id: runId } = await services.request(id, { serviceName: 'internet' });
    const due = (await store.dueRuns(clock.now(), { limit: 10 })).items.map(({ at }) => at);
    await clock.advance(120_000);
    expect((await store.dueRuns(clock.now(), { limit: 10 })).items.map(({ at }) => at)).toEqual(due);
    await stopped.start();
    await until(async () => (await services.get(runId)).status === 'active', clock);
    await Promise.all([old.stop(), stopped.stop()]);
  });
});

it('an empty list of secrets is refused', () => {
  const store = memoryLifecycleStore({ clock: fakeClock() });
  expect(() => createLifecycle({ store, secret: [] })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});
