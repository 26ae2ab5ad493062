import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { newId } from '@dotmac/core';
import { createMaintenance, memoryMaintenanceStore, type SlotRecord } from '../../src/index.js';

const hour = 3_600_000;
/** Long enough ago for nobody to take it any more. */
const slotAt = Math.floor(Date.now() / hour) * hour - hour;

/** A schedule of files and of memory, and lines of its ledger that other processes wrote. */
async function explained(...lines: Pick<SlotRecord, 'scopeId' | 'outcome'>[]) {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-explain-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const store = memoryMaintenanceStore();
  const maintenance = createMaintenance({
    ...{ store, hostId: 'host', startScheduler: false },
    caches: [
      { name: 'pages', directory, maxAgeDays: 1, ageBy: ['modification'] },
      { name: 'lru', memory: () => ({ size: 0, purgeStale: () => true, clear: () => undefined }) },
    ],
    schedules: [{ name: 'caches', tenantId: 'acme', task: 'cache_cleanup', cron: '0 * * * *', timeZone: 'UTC' }],
  });
  onTestFinished(() => maintenance.stop());
  await maintenance.start();
  for (const { scopeId, outcome } of lines)
    await store.slots('acme').claim({
      ...{ schedule: 'caches', scopeId, slotAt, outcome, instance: 'host/0#1', message: null, nextAt: slotAt },
      ...{ runId: outcome === 'overlap' ? null : newId(), attempts: 1, claimedAt: slotAt, endedAt: slotAt + 1 },
    });
  return maintenance.scope({ tenantId: 'acme' }).schedules.explainSkip('caches', slotAt);
}
const lineKeys = ['attempts', 'claimedAt', 'endedAt', 'instance', 'message', 'outcome', 'runId', 'scopeId', 'slotAt'];
const files = { scopeId: 'host', outcome: 'completed' } as const;

it('a slot of several tiers has run when each has', async () => {
  expect(await explained(files, { scopeId: newId(), outcome: 'completed' })).toMatchObject({
    ...{ ran: true, reason: 'completed' },
    parts: [
      { scope: 'host', ran: true, reason: 'completed' },
      { scope: 'process', ran: true, reason: 'completed' },
    ],
  });
});

it('is told of by the tier that did not run', async () => {
  expect(await explained(files, { scopeId: newId(), outcome: 'overlap' })).toMatchObject({
    ...{ ran: false, reason: 'overlap', message: expect.stringMatching(/^Another run of its task was at it/) },
    parts: [
      { scope: 'host', ran: true },
      { scope: 'process', ran: false, reason: 'overlap' },
    ],
  });
  expect(await explained(files)).toMatchObject({
    ...{ ran: false, reason: 'nobody', elected: null },
    parts: [
      { scope: 'host', ran: true },
      { scope: 'process', ran: false, reason: 'nobody' },
    ],
  });
});

it('and by the one that ran and did not complete', async () => {
  expect(await explained(files, { scopeId: newId(), outcome: 'failed' })).toMatchObject({
    ...{ ran: true, reason: 'failed' },
    parts: [{ reason: 'completed' }, { reason: 'failed' }],
  });
});

it('says of each line what is known of it, and of what waits how it is confirmed', async () => {
  const { slots } = await explained({ ...files, outcome: 'needs_confirmation' });
  expect(slots.map((line) => Object.keys(line).sort())).toEqual([lineKeys]);
  expect(slots[0]?.message).toContain(`/runs/${slots[0]?.runId}/confirm`);
});
