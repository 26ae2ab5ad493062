import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statfsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearRoom, measureRoom, type RoomRules } from '../../src/files/make-room.js';
import { openRoot } from '../../src/files/root.js';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceOptions } from '../../src/index.js';
import type { DirectoryPolicy } from '../../src/policies/directory-policy.js';
import { diskCleanup } from '../../src/tasks/disk-cleanup.js';
import { anyAge, counting, rules } from '../support/room.js';
import { asNobody, mount } from './adverse-system.js';

async function purgeThere(directory: string): Promise<object> {
  const root = await openRoot(directory);
  if (!root) throw new Error('the folder is not there');
  const outcome = await clearRoom(root, ...anyAge());
  await root.close();
  return outcome;
}

/** Files of a directory go by these rules; what came of it, or the code of what went wrong. */
async function makeRoom(directory: string, given: Partial<RoomRules>): Promise<object> {
  const root = await openRoot(directory);
  if (!root) throw new Error('the folder is not there');
  const all = rules({ ...given, ageBy: ['modification'] });
  const did = counting();
  try {
    const room = await measureRoom(root, all, counting());
    const outcome = await clearRoom(root, all, room, did, true);
    return { ...outcome, missing: room.missing, removed: did.total.removed };
  } catch (error) {
    return { failed: (error as { code?: string }).code, removed: did.total.removed };
  } finally {
    await root.close();
  }
}

/** Writes a file that was last touched so many days after 1970; false when there is no room for it. */
function write(path: string, days: number, content: string | Buffer): boolean {
  try {
    writeFileSync(path, content);
    utimesSync(path, days * 86_400, days * 86_400);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOSPC') throw error;
    return false;
  }
}

/** Directories that are cleaned where the system refuses, in a folder of the case's own. */
export const directoryCases = (folder: string): Record<string, () => Promise<unknown>> => ({
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
  /** A directory that has filled its disk to the last block. */
  async 'full directory'() {
    const uploads = join(folder, 'uploads');
    mkdirSync(uploads);
    mount('-t', 'tmpfs', '-o', 'size=2m,mode=755', 'none', uploads);
    let files = 0;
    while (write(join(uploads, String(files).padStart(2, '0')), files, randomBytes(131_072))) files += 1;
    const outcome = await makeRoom(uploads, { minFree: { share: 0.5 }, floor: Date.now() });
    const { bavail, blocks } = statfsSync(uploads);
    const left = readdirSync(uploads).sort();
    return {
      files,
      outcome,
      left,
      free: bavail / blocks,
      writes: write(join(uploads, 'new'), 1, randomBytes(131_072)),
    };
  },
  /** A mount that may not be written to. */
  async 'read-only directory'() {
    const uploads = join(folder, 'uploads');
    mkdirSync(uploads);
    write(join(uploads, 'old'), 1, 'x');
    mount('--bind', uploads, uploads);
    mount('-o', 'remount,bind,ro', uploads);
    return { outcome: await makeRoom(uploads, { cutoff: Date.now() }), left: readdirSync(uploads) };
  },
  /** A user whose files lie beside others' that are not for them to remove, or not to look at. */
  async 'directories of others'() {
    const at = (...names: string[]): string => join(folder, 'uploads', ...names);
    for (const inner of ['own', 'locked', 'closed', 'sticky']) {
      mkdirSync(at(inner), { recursive: true });
      write(at(inner, 'old'), 1, 'x');
    }
    for (const own of [at(), at('own'), at('own', 'old')]) execFileSync('chown', ['65534:65534', own]);
    execFileSync('chmod', ['0755', at('locked')]);
    execFileSync('chmod', ['0700', at('closed')]);
    execFileSync('chmod', ['1777', at('sticky')]);
    asNobody();
    const outcome = await makeRoom(at(), { cutoff: Date.now() });
    return {
      outcome,
      own: existsSync(at('own', 'old')),
      locked: readdirSync(at('locked')),
      sticky: readdirSync(at('sticky')),
    };
  },
  /** A directory whose oldest files another user keeps from going, for so much room. */
  async 'room that others take'() {
    const directoryOf = (what: string, oldestKb: number): string => {
      const directory = join(folder, what);
      const at = (...names: string[]): string => join(directory, ...names);
      for (const inner of ['locked', 'own']) mkdirSync(at(inner), { recursive: true });
      write(at('locked', '1'), 1, randomBytes(oldestKb * 1_024));
      for (let day = 2; day <= 5; day++) write(at('own', `${day}`), day, randomBytes(262_144));
      for (const own of [at(), at('own')]) execFileSync('chown', ['65534:65534', own]);
      return directory;
    };
    const oldestKb = { enough: 256, all: 256, asked: 1_024, askedLater: 768, ended: 768, applied: 768, old: 256 };
    const at = Object.fromEntries(Object.entries(oldestKb).map(([what, kb]) => [what, directoryOf(what, kb)]));
    asNobody();
    const cleaned = async (
      directory = '',
      rules: Partial<DirectoryPolicy>,
      options: Partial<MaintenanceOptions> = {},
      limits: { maxItems?: number } = {},
      isPlanned = false,
    ) => {
      const policy: DirectoryPolicy = { name: 'uploads', directory, ageBy: ['modification'], ...rules };
      let rounds = 0;
      const counting: typeof diskCleanup = {
        ...diskCleanup,
        type: 'counted_cleanup',
        run(context, parameters) {
          const target: typeof context.target = (init) => ((rounds += 1), context.target(init));
          return diskCleanup.run({ ...context, target }, parameters);
        },
      };
      const store = memoryMaintenanceStore();
      const given = { store, tasks: [counting], directories: [policy], throttle: [], ...options };
      const { runs, plans } = createMaintenance(given).scope({ tenantId: 'acme' });
      const applied = async () => {
        const parameters = { max_items: limits.maxItems };
        return plans.apply((await plans.create({ maintenanceType: 'counted_cleanup', parameters })).id);
      };
      const run = await runs.get((await (isPlanned ? applied() : runs.run('counted_cleanup', limits))).taskId);
      const [reported] = run.details['policies'] as { removed: number }[];
      const left = (readdirSync(directory, { recursive: true }) as string[]).filter((it) => it.includes('/')).sort();
      return {
        status: run.status,
        seen: run.itemsProcessed,
        removed: run.itemsCleaned,
        reported: reported?.removed,
        planned: run.progress?.planned,
        rounds,
        left,
        notes: run.log.map((it) => it.message),
      };
    };
    return {
      enough: await cleaned(at['enough'], { maxSizeMb: 0.5 }),
      all: await cleaned(at['all'], { maxSizeMb: 0 }),
      asked: await cleaned(at['asked'], { maxSizeMb: 1 }, { unaskedItems: 0 }),
      askedLater: await cleaned(at['askedLater'], { maxSizeMb: 0.75 }, { unaskedItems: 0 }),
      ended: await cleaned(at['ended'], { maxSizeMb: 0.75 }, {}, { maxItems: 2 }),
      applied: await cleaned(at['applied'], { maxSizeMb: 0.75, maxShare: 1 }, {}, { maxItems: 2 }, true),
      old: await cleaned(at['old'], { maxAgeDays: 1, maxSizeMb: 10 }),
    };
  },
});
