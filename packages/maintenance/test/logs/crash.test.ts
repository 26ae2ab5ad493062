import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { dyingAt } from '../support/faulty-files.js';
import { day, logFolder, rotate, type LogFolder } from '../support/logs.js';

const now = Date.UTC(2026, 0, 31, 12);
let folder: LogFolder;
beforeEach(async () => void (folder = await logFolder(now)));
afterEach(() => folder.remove());

const ways: Record<string, Partial<LogPolicy>> = {
  'renamed, dated': { maxSizeMb: 1e-9, every: 'day', keepFiles: 5 },
  'renamed, numbered': { maxSizeMb: 1e-9, naming: 'numbered', reopen: () => undefined },
  copied: { maxSizeMb: 1e-9, method: 'copytruncate' },
};

describe.each(Object.entries(ways))('a process that dies while logs are %s', (_, policy) => {
  it('leaves every line once, at whichever call it dies, and the next run is done with it', async () => {
    const old = policy.naming === 'numbered' ? 'app.log.1' : 'app.log.20260129T120000Z';
    let points = 0;
    for (let nth = 1, last = Infinity; nth <= last; nth++, points++) {
      await folder.remove();
      folder = await logFolder(now);
      await folder.write(old, 'line 1\nline 2\n', 2);
      await folder.write('app.log', 'line 3\nline 4\n', 1);
      await folder.write('web.log', 'line 5\n', 1);
      const { system, calls } = dyingAt(nth);
      const died = await rotate(folder, policy, { now, system }).then(
        ({ faults }) => faults.length > 0,
        () => true,
      );
      if (!died && calls() < nth) last = nth;
      const { faults } = await rotate(folder, policy, { now: now + day });
      const lines = (await folder.lines()).sort();
      expect([nth, faults, lines]).toEqual([nth, [], ['line 1', 'line 2', 'line 3', 'line 4', 'line 5']]);
    }
    expect(points).toBeGreaterThan(100);
  }, 120_000);
});
