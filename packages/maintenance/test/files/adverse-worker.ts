// A process in a mount namespace of its own that rotates and cleans where the system refuses. Arguments: the case, and
// a folder of its own. It prints what came of it as JSON.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearRoom } from '../../src/files/make-room.js';
import { openRoot } from '../../src/files/root.js';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { rotate, type LogFolder } from '../support/logs.js';
import { anyAge } from '../support/room.js';

const [name = '', folder = ''] = process.argv.slice(2);
const logs = join(folder, 'logs');
mkdirSync(logs, { recursive: true });
const mount = (...words: string[]): void => void execFileSync('mount', words);
const files = (directory: string): Record<string, number> =>
  Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((it) => [it, readFileSync(join(directory, it)).length]),
  );

async function rotateThere(policy: Partial<LogPolicy> = {}): Promise<object> {
  const where = { directory: logs } as LogFolder;
  const outcome = await rotate(where, { maxSizeMb: 1e-9, ...policy }).then(
    ({ faults, counts }) => ({ faults: faults.map(({ error }) => (error as { code?: string }).code), counts }),
    (error: { code?: string; message: string }) => ({ failed: error.code ?? error.message }),
  );
  return { ...outcome, files: files(logs) };
}

async function purgeThere(directory: string): Promise<object> {
  const root = await openRoot(directory);
  if (!root) throw new Error('the folder is not there');
  const outcome = await clearRoom(root, ...anyAge());
  await root.close();
  return outcome;
}

const cases: Record<string, () => Promise<unknown>> = {
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
  /** A directory of the same device, and one of another, mounted below a cache. */
  async 'bound directories'() {
    const [cache, outside] = [join(folder, 'cache'), join(folder, 'outside')];
    for (const directory of [join(cache, 'bound'), join(cache, 'other'), join(cache, 'own'), outside])
      mkdirSync(directory, { recursive: true });
    writeFileSync(join(outside, 'precious'), 'x');
    writeFileSync(join(cache, 'own', 'stale'), 'x');
    mount('--bind', outside, join(cache, 'bound'));
    mount('-t', 'tmpfs', 'none', join(cache, 'other'));
    writeFileSync(join(cache, 'other', 'precious'), 'x');
    for (const file of [join(outside, 'precious'), join(cache, 'own', 'stale'), join(cache, 'other', 'precious')])
      utimesSync(file, 1, 1);
    const outcome = await purgeThere(cache);
    return {
      outcome,
      left: execFileSync('find', ['.', '-type', 'f'], { cwd: folder, encoding: 'utf8' })
        .split('\n')
        .filter(Boolean)
        .sort(),
    };
  },
  /** A user who may read a directory and not write to it. */
  async 'not allowed'() {
    writeFileSync(join(logs, 'app.log'), 'x'.repeat(1_000));
    execFileSync('chown', ['-R', '65534:65534', folder]);
    execFileSync('chmod', ['0555', logs]);
    process.setgroups?.([]);
    process.setgid?.(65_534);
    process.setuid?.(65_534);
    return rotateThere();
  },
};

const run = cases[name];
if (!run) throw new Error(`there is no case ${name}`);
console.log(JSON.stringify(await run()));
