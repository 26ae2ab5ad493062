import { readdir, rename } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { failing, type Operation } from './faulty-files.js';
import { day, logFolder, rotate, type LogFolder } from './logs.js';

const now = Date.UTC(2026, 0, 31, 12);

const ways: Record<string, Partial<LogPolicy>> = {
  'renamed, dated': { maxSizeMb: 1e-9, every: 'day', create: true },
  'renamed, numbered': { maxSizeMb: 1e-9, naming: 'numbered', reopen: () => undefined },
  copied: { maxSizeMb: 1e-9, method: 'copytruncate' },
};

/** Two logs of which one has been rotated twice; `line N` is acknowledged, so it has to be there once. */
async function prepare(folder: LogFolder, policy: Partial<LogPolicy>): Promise<string[]> {
  const lines: string[] = [];
  const write = (name: string, count: number, age: number) => {
    const added = Array.from({ length: count }, (_, i) => `line ${lines.length + i}`);
    lines.push(...added);
    return folder.write(name, `${added.join('\n')}\n`, age);
  };
  await write('app.log', 50, 2);
  const rotated = policy.naming === 'numbered' ? 'app.log.1' : 'app.log.20260129T120000Z';
  await rename(folder.at('app.log'), folder.at(rotated));
  await write('app.log', 60, 1);
  await write('web.log', 10, 1);
  return lines.sort();
}

/** What calls fail with; all others with EIO. */
const codes: Partial<Record<Operation, string[]>> = {
  write: ['ENOSPC', 'EIO', 'EACCES'],
  sync: ['ENOSPC', 'EIO', 'EACCES'],
  rename: ['ENOSPC', 'EIO', 'EACCES'],
  link: ['ENOSPC', 'EIO', 'EACCES'],
  unlink: ['ENOSPC', 'EIO', 'EACCES'],
  truncate: ['ENOSPC', 'EIO', 'EACCES'],
  open: ['ENOSPC', 'EACCES', 'EMFILE'],
};

const always: Operation[] = ['open', 'opendir', 'lstat', 'link', 'unlink', 'statfs', 'read', 'write', 'sync'];
const dressing: Operation[] = ['chmod', 'chown', 'utimes', 'stat'];
/** The calls that a way takes: of these, and of no others, some have failed. */
const taken: Record<string, Operation[]> = {
  'renamed, dated': [...always, ...dressing, 'rename'],
  'renamed, numbered': [...always, ...dressing, 'rename'],
  copied: [...always, ...dressing, 'truncate'],
};

/** Rotates with each call of these operations failing, one after another, in every way that logs are rotated. */
export function failEach(operations: readonly Operation[]): void {
  describe.each(Object.entries(ways))('a call that fails while logs are %s', (way, policy) => {
    let folder: LogFolder;
    beforeEach(async () => void (folder = await logFolder(now)));
    afterEach(() => folder.remove());

    it.each(operations)(
      '%s: no line is lost or doubled, whichever of them it is',
      async (operation) => {
        for (const code of codes[operation] ?? ['EIO']) {
          let failed = 0;
          for (let nth = 1, last = Infinity; nth <= last; nth++) {
            await folder.remove();
            folder = await logFolder(now);
            const lines = await prepare(folder, policy);
            const { system, calls } = failing(operation, nth, code);
            const outcome = await rotate(folder, policy, { now, system }).then(
              ({ faults }) => faults.map(({ error }) => (error as { code?: string }).code),
              (error: { code?: string }) => [error.code],
            );
            if (calls() < nth) last = nth;
            else failed += 1;
            const at = `${operation} ${nth} ${code}`;
            // Without the fault, the next run is done with all of it.
            const { faults } = await rotate(folder, policy, { now: now + day });
            expect([at, faults]).toEqual([at, []]);
            expect([at, (await folder.lines()).sort()]).toEqual([at, lines]);
            expect([at, (await readdir(folder.directory)).filter((it) => /partial|copying/.test(it))]).toEqual([
              at,
              [],
            ]);
            if (calls() >= nth) expect([at, outcome]).toEqual([at, [code]]);
          }
          expect([operation, code, failed > 0]).toEqual([operation, code, taken[way]?.includes(operation)]);
        }
      },
      120_000,
    );
  });
}
