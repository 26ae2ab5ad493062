import { afterEach, beforeEach, expect, it } from 'vitest';
import { interruptible } from '../support/faulty-files.js';
import { logFolder, rotate, type LogFolder } from '../support/logs.js';

const now = Date.UTC(2026, 0, 31, 12);
let folder: LogFolder;
beforeEach(async () => void (folder = await logFolder(now)));
afterEach(() => folder.remove());

it('a disk without room to keep whose writers are to be told: what is past its time goes, and the log is rotated once there is', async () => {
  let isFull = true;
  const system = interruptible((operation, when) => {
    if (operation === 'write' && when === 'before' && isFull)
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    // What goes makes room.
    if (operation === 'unlink' && when === 'after') isFull = false;
  });
  const policy = { maxSizeMb: 1e-9, retentionDays: 30, compress: false, reopen: () => undefined } as const;
  await folder.write('app.log', 'new\n');
  await folder.write('app.log.20250101T000000Z', 'old\n', 400);
  const first = await rotate(folder, policy, { now, system });
  expect(first).toMatchObject({ counts: { rotated: 0 }, faults: [{ what: 'file', error: { code: 'ENOSPC' } }] });
  const second = await rotate(folder, policy, { now, system });
  expect(second).toMatchObject({ counts: { rotated: 1 }, faults: [] });
  expect(await folder.names()).toEqual(['app.log.20260131T120000Z']);
});
