import { readdir, readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { asTimePasses } from '../support/as-time-passes.js';
import { logFolder, type LogFolder } from '../support/logs.js';

const hour = 3_600_000;
let folder: LogFolder;
beforeEach(async () => void (folder = await logFolder()));
afterEach(() => folder.remove());

it('a run that is resumed late names logs by when it rotates them, and keeps the youngest', async () => {
  const clock = fakeClock(Date.now());
  let isBroken = true;
  const before = (): void => {
    if (isBroken) throw new Error('not now');
  };
  const log = { name: 'app', directory: folder.directory, maxSizeMb: 0.001, compress: false as const, keepFiles: 2 };
  const { runs } = createMaintenance({
    store: memoryMaintenanceStore({ clock }),
    clock,
    logs: [{ ...log, hooks: { before } }],
  }).scope({ tenantId: 'acme' });
  const grow = (text: string) => folder.write('app.log', text.repeat(2_000));
  await grow('0');
  const failed = await runs.run('log_rotation', {});
  expect(failed).toMatchObject({ status: 'failed', itemsCleaned: 0 });
  isBroken = false;
  for (const text of ['1', '2']) {
    await clock.advance(hour);
    await grow(text);
    expect(await runs.run('log_rotation', {})).toMatchObject({ status: 'completed' });
  }
  await clock.advance(hour);
  await grow('3');
  const { taskId } = await runs.resume(failed.taskId);
  await expect.poll(asTimePasses(clock, async () => (await runs.get(taskId)).status)).toBe('completed');
  const kept = (await readdir(folder.directory)).filter((name) => name.startsWith('app.log.')).sort();
  const texts = await Promise.all(kept.map(async (name) => (await readFile(folder.at(name), 'utf8')).slice(0, 1)));
  expect(texts).toEqual(['2', '3']);
});
