import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statfsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { forecast, rotate, type LogFolder } from '../support/logs.js';
import { asNobody, mount } from './adverse-system.js';

const files = (directory: string): Record<string, number> =>
  Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((it) => [it, readFileSync(join(directory, it)).length]),
  );

/** Logs that are rotated where the system refuses, in a folder of the case's own. */
export function logCases(folder: string): Record<string, () => Promise<unknown>> {
  const logs = join(folder, 'logs');
  mkdirSync(logs, { recursive: true });
  async function rotateThere(policy: Partial<LogPolicy> = {}): Promise<object> {
    const where = { directory: logs } as LogFolder;
    const outcome = await rotate(where, { maxSizeMb: 1e-9, ...policy }).then(
      ({ faults, counts }) => ({ faults: faults.map(({ error }) => (error as { code?: string }).code), counts }),
      (error: { code?: string; message: string }) => ({ failed: error.code ?? error.message }),
    );
    return { ...outcome, files: files(logs) };
  }

  return {
    /** No room for the packed file of what does not pack. */
    async full() {
      mount('-t', 'tmpfs', '-o', 'size=512k,mode=755', 'none', logs);
      writeFileSync(join(logs, 'app.log'), randomBytes(400_000));
      const before = readFileSync(join(logs, 'app.log')).toString('hex');
      const first = await rotateThere();
      const rotated = readdirSync(logs).find((it) => it.startsWith('app.log.')) ?? '';
      const kept = readFileSync(join(logs, rotated)).toString('hex') === before;
      mount('-o', 'remount,size=2m', logs);
      return { first, kept, second: await rotateThere() };
    },
    /** A disk of which a part is to be left free. */
    async 'room to be left'() {
      const outcomes: Record<string, unknown> = {};
      for (const [what, minFreePercent, content, compress] of [
        ['some', 50, () => randomBytes(262_144), false],
        ['enough', 25, () => randomBytes(262_144), false],
        ['all', 90, () => randomBytes(262_144), false],
        ['packed', 50, () => Buffer.alloc(262_144, 'a'), {}],
      ] as const) {
        mount('-t', 'tmpfs', '-o', 'size=2m,mode=755', 'none', logs);
        writeFileSync(join(logs, 'app.log'), content());
        for (let day = 1; day <= 5; day++) {
          const path = join(logs, `app.log.2026010${day}T000000Z`);
          writeFileSync(path, content());
          utimesSync(path, day, day);
        }
        const policy = { minFreePercent, compress, maxSizeMb: 100, maxAgeDays: 36_500 };
        const foretold = (await forecast({ directory: logs } as LogFolder, policy)).makeRoom.map((it) => it.name);
        const { counts, faults } = await rotate({ directory: logs } as LogFolder, policy);
        const { bavail, blocks } = statfsSync(logs);
        outcomes[what] = {
          foretold,
          faults,
          deleted: counts.deleted,
          left: readdirSync(logs).sort(),
          free: bavail / blocks,
        };
        execFileSync('umount', [logs]);
      }
      return outcomes;
    },
    /** No room for another name of its own. */
    async 'no inodes'() {
      mount('-t', 'tmpfs', '-o', 'size=8m,nr_inodes=2,mode=755', 'none', logs);
      writeFileSync(join(logs, 'app.log'), 'x'.repeat(10_000));
      return rotateThere();
    },
    /** Copying where there is no room for the copy. */
    async 'full copy'() {
      mount('-t', 'tmpfs', '-o', 'size=512k,mode=755', 'none', logs);
      writeFileSync(join(logs, 'app.log'), randomBytes(400_000));
      return rotateThere({ method: 'copytruncate' });
    },
    async 'read-only'() {
      writeFileSync(join(logs, 'app.log'), 'x'.repeat(1_000));
      mount('--bind', logs, logs);
      mount('-o', 'remount,bind,ro', logs);
      return rotateThere();
    },
    /** A log that is another file, mounted over it. */
    async 'bound log'() {
      writeFileSync(join(folder, 'outside.log'), 'outside');
      writeFileSync(join(logs, 'app.log'), 'inside');
      mount('--bind', join(folder, 'outside.log'), join(logs, 'app.log'));
      const renamed = await rotateThere();
      const copied = await rotateThere({ method: 'copytruncate' });
      return { renamed, copied, outside: readFileSync(join(folder, 'outside.log'), 'utf8') };
    },
    /** A user who may read a directory and not write to it. */
    async 'not allowed'() {
      writeFileSync(join(logs, 'app.log'), 'x'.repeat(1_000));
      execFileSync('chown', ['-R', '65534:65534', folder]);
      execFileSync('chmod', ['0555', logs]);
      asNobody();
      return rotateThere();
    },
  };
}
