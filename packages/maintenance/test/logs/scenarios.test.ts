import { execFileSync } from 'node:child_process';
import {
  chmod,
  chown,
  link,
  mkdir,
  readFile,
  readdir,
  rename,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemFiles, type FileSystem } from '../../src/files/system.js';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { failing } from '../support/faulty-files.js';
import { day, logFolder, rotate, type LogFolder, type Rotated, type RotateOptions } from '../support/logs.js';

const now = Date.UTC(2026, 0, 31, 12);
const stamp = '20260131T120000Z';
/** Everything with a byte in it is due. */
const due = { maxSizeMb: 1e-9 };
const numbered = { ...due, naming: 'numbered', compress: false } as const;
const isRoot = process.geteuid?.() === 0;

let folder: LogFolder;
beforeEach(async () => void (folder = await logFolder(now)));
afterEach(() => folder.remove());

interface Scenario {
  title: string;
  /** Contents by name, last written now; or with an age in days. */
  files: Record<string, string | [content: string, ageDays: number]>;
  policy: Partial<LogPolicy>;
  options?: RotateOptions;
  before?: () => unknown;
  /** Contents by name. */
  after: Record<string, string>;
  /** How many rotations, a day apart. Default 1. */
  rounds?: number;
  /** What goes wrong. Default nothing. */
  faults?: string[];
  holds?: (last: Rotated) => unknown;
}

const hook = (throws: boolean) => () => {
  if (throws) throw new Error('no');
};

const scenarios: Scenario[] = [
  { title: 'no log: nothing is done, and nothing is wrong', files: {}, policy: due, after: {} },
  { title: 'an empty log stays', files: { 'app.log': '' }, policy: due, after: { 'app.log': '' } },
  {
    title: 'an empty log is rotated by the calendar when that is asked for',
    files: { 'app.log': ['', 1] },
    policy: { every: 'day', rotateEmpty: true, compress: false },
    rounds: 2,
    after: { 'app.log.20260201T120000Z': '' },
  },
  {
    title: 'a log is renamed',
    files: { 'app.log': 'one' },
    policy: { ...due, compress: false },
    after: { [`app.log.${stamp}`]: 'one' },
  },
  {
    title: 'a log is renamed and compressed',
    files: { 'app.log': 'one' },
    policy: due,
    after: { [`app.log.${stamp}.gz`]: 'one' },
  },
  {
    title: 'numbered: the youngest is 1, the others move on',
    files: { 'app.log': 'new', 'app.log.1': 'old', 'app.log.2': 'older' },
    policy: numbered,
    after: { 'app.log.1': 'new', 'app.log.2': 'old', 'app.log.3': 'older' },
  },
  {
    title: 'numbered: a gap is filled, and what is behind it stays',
    files: { 'app.log': 'new', 'app.log.1': 'old', 'app.log.3': 'older' },
    policy: numbered,
    after: { 'app.log.1': 'new', 'app.log.2': 'old', 'app.log.3': 'older' },
  },
  {
    title: 'numbered: compressed files move on too',
    files: { 'app.log': 'new', 'app.log.1.gz': 'packed' },
    policy: numbered,
    before: () => execFileSync('sh', ['-c', 'printf old | gzip > app.log.1.gz'], { cwd: folder.directory }),
    after: { 'app.log.1': 'new', 'app.log.2.gz': 'old' },
  },
  {
    title: 'numbered: ten make eleven, in order of number and not of letter',
    files: Object.fromEntries([
      ['app.log', '0'],
      ...Array.from({ length: 10 }, (_, i) => [`app.log.${i + 1}`, `${i + 1}`]),
    ]) as Record<string, string>,
    policy: numbered,
    after: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`app.log.${i + 1}`, `${i}`])),
  },
  {
    title: 'keeps so many of each log',
    files: { 'app.log': 'a', 'app.log.1': 'a1', 'app.log.2': 'a2', 'web.log': 'w', 'web.log.1': 'w1' },
    policy: { ...numbered, keepFiles: 2 },
    after: { 'app.log.1': 'a', 'app.log.2': 'a1', 'web.log.1': 'w', 'web.log.2': 'w1' },
  },
  {
    title: 'keeps none when it is told so',
    files: { 'app.log': 'a', 'app.log.1': 'a1' },
    policy: { ...numbered, keepFiles: 0 },
    after: {},
  },
  {
    title: 'deletes what is left of an earlier, longer keeping',
    files: { 'app.log': '', 'app.log.1': '1', 'app.log.2': '2', 'app.log.9': '9' },
    policy: { ...numbered, keepFiles: 1 },
    after: { 'app.log': '', 'app.log.1': '1' },
  },
  {
    title: 'deletes by age, whatever the number',
    files: { 'app.log': '', 'app.log.1': ['1', 1], 'app.log.2': ['2', 8], 'app.log.3': ['3', 9] },
    policy: { ...numbered, retentionDays: 7 },
    after: { 'app.log': '', 'app.log.1': '1' },
  },
  {
    title: 'deletes the oldest until all together take no more',
    files: {
      'app.log.1': ['1'.repeat(8_192), 1],
      'app.log.2': ['2'.repeat(8_192), 2],
      'web.log.1': ['3'.repeat(8_192), 3],
    },
    policy: { ...numbered, maxTotalMb: 0.016 },
    after: { 'app.log.1': '1'.repeat(8_192), 'app.log.2': '2'.repeat(8_192) },
  },
  {
    title: 'a small log stays, a large one goes',
    files: { 'small.log': 'x'.repeat(1_000), 'large.log': 'y'.repeat(1_100) },
    policy: { maxSizeMb: 1_000 / 1_048_576, compress: false },
    after: { 'small.log': 'x'.repeat(1_000), [`large.log.${stamp}`]: 'y'.repeat(1_100) },
  },
  {
    title: 'a log goes that nobody wrote to for long, a young one stays',
    files: { 'old.log': ['o', 31], 'young.log': ['y', 29] },
    policy: { compress: false },
    after: { [`old.log.${stamp}`]: 'o', 'young.log': 'y' },
  },
  {
    title: 'an old log that is too small to be worth it stays',
    files: { 'old.log': ['o', 31] },
    policy: { minSizeMb: 1 },
    after: { 'old.log': 'o' },
  },
  {
    title: 'the request decides before the policy does',
    files: { 'app.log': 'x'.repeat(2_000) },
    policy: { maxSizeMb: 1 },
    options: { request: { maxSizeMb: 0.001, compressOldLogs: false } },
    after: { [`app.log.${stamp}`]: 'x'.repeat(2_000) },
  },
  {
    title: 'by the calendar: a log seen for the first time waits',
    files: { 'app.log': ['one', 90] },
    policy: { every: 'day' },
    after: { 'app.log': 'one' },
  },
  {
    title: 'by the calendar: goes in the next period',
    files: { 'app.log': 'one' },
    policy: { every: 'day', compress: false },
    rounds: 2,
    after: { 'app.log.20260201T120000Z': 'one' },
  },
  {
    title: 'by the calendar: goes for its size before that',
    files: { 'app.log': 'x'.repeat(2_000) },
    policy: { every: 'month', maxSizeMb: 0.001, compress: false },
    after: { [`app.log.${stamp}`]: 'x'.repeat(2_000) },
  },
  {
    title: 'by the calendar: waits until it is large enough',
    files: { 'app.log': 'one' },
    policy: { every: 'hour', minSizeMb: 1 },
    rounds: 3,
    after: { 'app.log': 'one' },
  },
  {
    title: 'a day of the name is the time zone’s',
    files: { 'app.log': 'one' },
    policy: { ...due, compress: false, naming: { format: '%Y-%m-%d' }, timeZone: 'Pacific/Kiritimati' },
    after: { 'app.log.2026-02-01': 'one' },
  },
  {
    title: 'a name of seconds since 1970',
    files: { 'app.log': 'one' },
    policy: { ...due, compress: false, naming: { format: '%s' } },
    after: { [`app.log.${now / 1000}`]: 'one' },
  },
  {
    title: 'dated: a name that is taken is not taken away',
    files: { 'app.log': 'new', 'app.log.2026-01-31': 'first' },
    policy: { ...due, compress: false, naming: { format: '%Y-%m-%d' } },
    after: { 'app.log.2026-01-31': 'first', 'app.log.2026-01-31.1': 'new' },
  },
  {
    title: 'dated: nor is one that is taken by a compressed file',
    files: { 'app.log': 'new', 'app.log.2026-01-31.gz': '' },
    before: () => execFileSync('sh', ['-c', 'printf first | gzip > app.log.2026-01-31.gz'], { cwd: folder.directory }),
    policy: { ...due, compress: false, naming: { format: '%Y-%m-%d' } },
    after: { 'app.log.2026-01-31.gz': 'first', 'app.log.2026-01-31.1': 'new' },
  },
  {
    title: 'dated: the oldest by date go, whatever their letters say',
    files: {
      'app.log.31-12-2025': ['old', 31],
      'app.log.01-01-2026': ['young', 30],
      'app.log.02-01-2026': ['younger', 29],
    },
    policy: { compress: false, keepFiles: 2, naming: { format: '%d-%m-%Y' } },
    after: { 'app.log.01-01-2026': 'young', 'app.log.02-01-2026': 'younger' },
  },
  {
    title: 'what only looks like a rotated log is neither deleted nor counted',
    files: { 'app.log.1': '1', 'app.log.bak': 'b', 'app.log.01': '01', 'app.log.1.old': 'o', 'other.1': 'x' },
    policy: { ...numbered, keepFiles: 0 },
    after: { 'app.log.bak': 'b', 'app.log.01': '01', 'app.log.1.old': 'o', 'other.1': 'x' },
  },
  {
    title: 'the youngest is not compressed when that is put off',
    files: { 'app.log': 'a', 'app.log.1': 'b', 'app.log.2': 'c' },
    policy: { ...due, naming: 'numbered', compress: { delay: 1 } },
    after: { 'app.log.1': 'a', 'app.log.2.gz': 'b', 'app.log.3.gz': 'c' },
  },
  {
    title: 'what was left uncompressed is compressed later',
    files: { 'app.log': '', 'app.log.20260101T000000Z': 'left' },
    policy: {},
    after: { 'app.log': '', 'app.log.20260101T000000Z.gz': 'left' },
  },
  {
    title: 'a compressed file of the same name that holds something else stays, and so does the original',
    files: { 'app.log.1': 'mine' },
    before: () => execFileSync('sh', ['-c', 'printf other | gzip > app.log.1.gz'], { cwd: folder.directory }),
    policy: { naming: 'numbered' },
    after: { 'app.log.1': 'mine', 'app.log.1.gz': 'other' },
    holds: ({ counts, notes }) =>
      expect([counts.compressed, notes.join()]).toEqual([0, expect.stringContaining('app.log.1 is not compressed')]),
  },
  {
    title: 'copied and emptied: the log keeps its place',
    files: { 'app.log': 'one' },
    policy: { ...due, method: 'copytruncate', compress: false },
    after: { 'app.log': '', [`app.log.${stamp}`]: 'one' },
  },
  {
    title: 'a new log is made, with the mode asked for',
    files: { 'app.log': 'one' },
    policy: { ...due, create: { mode: 0o600 }, compress: false },
    after: { 'app.log': '', [`app.log.${stamp}`]: 'one' },
    holds: async () => expect((await stat(folder.at('app.log'))).mode & 0o777).toBe(0o600),
  },
  {
    title: 'a hook before all that fails leaves all logs, and lets the rest be done',
    files: { 'app.log': 'one', 'app.log.1': '1', 'app.log.2': '2' },
    policy: { ...numbered, keepFiles: 1, hooks: { before: hook(true) } },
    after: { 'app.log': 'one', 'app.log.1': '1' },
    faults: ['before'],
  },
  {
    title: 'a hook before one log that fails leaves that log alone',
    files: { 'app.log': 'a', 'web.log': 'w' },
    policy: { ...numbered, hooks: { beforeRotate: (log) => hook(log === 'app.log')() } },
    after: { 'app.log': 'a', 'web.log.1': 'w' },
    faults: ['beforeRotate'],
  },
  {
    title: 'writers that cannot be told: renamed, not compressed, and told by the next run',
    files: { 'app.log': 'one' },
    policy: { ...due, reopen: hook(true) },
    after: { [`app.log.${stamp}`]: 'one' },
    faults: ['reopen'],
    holds: async () => {
      let told = 0;
      await rotate(folder, { ...due, reopen: () => void (told += 1) }, { now });
      expect([told, await folder.names()]).toEqual([1, [`app.log.${stamp}.gz`]]);
      await rotate(folder, { ...due, reopen: () => void (told += 1) }, { now });
      expect(told).toBe(1);
    },
  },
  {
    title: 'writers that cannot be told by the next run either: what they may still write to stays as it is',
    files: { 'app.log': 'one' },
    policy: { ...due, reopen: hook(true) },
    rounds: 2,
    after: { [`app.log.${stamp}`]: 'one' },
    faults: ['reopen'],
  },
  {
    title: 'a hook after one log that fails is told, and undoes nothing',
    files: { 'app.log': 'a', 'web.log': 'w' },
    policy: { ...due, hooks: { afterRotate: (log) => hook(log === 'app.log')() } },
    after: { [`app.log.${stamp}.gz`]: 'a', [`web.log.${stamp}.gz`]: 'w' },
    faults: ['afterRotate'],
  },
  {
    title: 'a hook before a deletion that fails keeps the file',
    files: { 'app.log.1': '1', 'app.log.2': '2', 'app.log.3': '3' },
    policy: { ...numbered, keepFiles: 1, hooks: { beforeRemove: (file) => hook(file === 'app.log.3')() } },
    after: { 'app.log.1': '1', 'app.log.3': '3' },
    faults: ['beforeRemove'],
  },
  {
    title: 'what is another file by the time that it is to go stays, and is told of once',
    files: { 'app.log.1': '1', 'app.log.2': '2', 'app.log.3': '3', other: 'o', another: 'a' },
    policy: {
      ...{ ...numbered, keepFiles: 1 },
      hooks: {
        beforeRemove: (file) => rename(folder.at(file === 'app.log.3' ? 'other' : 'another'), folder.at(file)),
      },
    },
    after: { 'app.log.1': '1', 'app.log.2': 'a', 'app.log.3': 'o' },
    holds: ({ counts, notes }) =>
      expect([counts.deleted, notes]).toEqual([0, [expect.stringMatching(/^2 rotated logs of app stay/)]]),
  },
  {
    title: 'a hook after all that fails is told',
    files: { 'app.log': 'a' },
    policy: { ...numbered, hooks: { after: hook(true) } },
    after: { 'app.log.1': 'a' },
    faults: ['after'],
  },
  {
    title: 'a run that finds nothing to rotate calls no hook of those that rotate',
    files: { 'app.log': '', 'app.log.1': '1' },
    policy: {
      ...numbered,
      hooks: { before: hook(true), beforeRotate: hook(true), afterRotate: hook(true), after: hook(true) },
    },
    after: { 'app.log': '', 'app.log.1': '1' },
  },
  {
    title: 'a state that is not whole begins anew, and touches no log',
    files: { 'app.log': 'one' },
    policy: { every: 'day' },
    before: () => writeFile(folder.at('.dotmac-log-rotation.json'), '0123\n{"since":{"app.log":1}}'),
    after: { 'app.log': 'one' },
    holds: ({ notes }) => expect(notes.join()).toContain('not whole'),
  },
  {
    title: 'a state of a hundred thousand logs is no burden',
    files: { 'app.log': 'one' },
    policy: { every: 'day', compress: false },
    before: async () => {
      const { writeState } = await import('../../src/logs/state.js');
      const { openRoot } = await import('../../src/files/root.js');
      const root = await openRoot(folder.directory);
      if (!root) throw new Error('the folder is not there');
      const since = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`service-${i}.log`, now]));
      await writeState(root, { since: { ...since, 'app.log': now - 2 * day }, untold: [] });
      await root.close();
    },
    after: { [`app.log.${stamp}`]: 'one' },
  },
  {
    title: 'links, hard links, pipes and directories are left alone',
    files: { 'real.log': 'r' },
    policy: numbered,
    before: async () => {
      await writeFile(join(folder.directory, '..', 'outside'), 'outside');
      await symlink('../outside', folder.at('link.log'));
      await link(join(folder.directory, '..', 'outside'), folder.at('hard.log'));
      execFileSync('mkfifo', [folder.at('pipe.log')]);
      await mkdir(folder.at('folder.log'));
      await utimes(folder.at('hard.log'), 0, 0);
    },
    after: {
      'real.log.1': 'r',
      'link.log': 'outside',
      'hard.log': 'outside',
      'pipe.log': '(other)',
      'folder.log': '(other)',
    },
    holds: ({ counts, notes }) => expect([counts.odd, notes.length]).toEqual([3, 1]),
  },
  {
    title: 'a log with a line’s end in its name is rotated again and again, numbered',
    files: { 'a\nb.log': 'new', 'a\nb.log.1': 'old', 'a\nb.log.2': 'older' },
    policy: { ...numbered, pattern: 'a*.log', keepFiles: 2 },
    after: { 'a\nb.log.1': 'new', 'a\nb.log.2': 'old' },
  },
  {
    title: 'and dated, and what is kept of it is counted',
    files: { 'a\nb.log': 'new', 'a\nb.log.20260129T120000Z': ['old', 2], 'a\nb.log.20260130T120000Z': ['young', 1] },
    policy: { ...due, pattern: 'a*.log', keepFiles: 2 },
    after: { 'a\nb.log.20260130T120000Z.gz': 'young', [`a\nb.log.${stamp}.gz`]: 'new' },
  },
  {
    title: 'a name with a line’s end, and one that is no text',
    files: { 'a\nb.log': 'x' },
    policy: { ...numbered, pattern: 'a*.log' },
    before: () =>
      writeFile(
        Buffer.concat([Buffer.from(`${folder.directory}/a`), Buffer.of(0xff, 0xfe), Buffer.from('.log')]),
        'bytes',
      ),
    after: { 'a\nb.log.1': 'x', 'a\ufffd\ufffd.log.1': '(gone)' },
    holds: () => {
      const listed = execFileSync('sh', ['-c', 'cat a*1'], { cwd: folder.directory, encoding: 'utf8' });
      expect(listed).toContain('bytes');
    },
  },
];

describe('a log rotation', () => {
  it.each(scenarios)('$title', async ({ files, policy, options, before, after, rounds = 1, faults = [], holds }) => {
    for (const [name, given] of Object.entries(files))
      if (typeof given === 'string') await folder.write(name, given);
      else await folder.write(name, ...given);
    await before?.();
    let last: Rotated | undefined;
    for (let round = 0; round < rounds; round++)
      last = await rotate(folder, policy, { ...options, now: now + round * day });
    expect(last?.faults.map(({ what }) => what)).toEqual(faults);
    const { rotated = 0, deleted = 0, compressed = 0 } = last?.counts ?? {};
    expect(last?.cleaned).toBe(rotated + deleted + compressed);
    const found = await Promise.all(
      (await folder.names()).map(async (name) => {
        const facts = await stat(folder.at(name)).catch(() => null);
        return [name, !facts ? '(gone)' : facts.isFile() ? await folder.read(name) : '(other)'] as const;
      }),
    );
    expect(Object.fromEntries(found)).toEqual(after);
    if (last) await holds?.(last);
  });

  it('is stated in at least forty scenarios', () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(40);
  });

  it('keeps mode, owner and times of what it compresses', async () => {
    await folder.write('app.log', 'one', 3);
    await chmod(folder.at('app.log'), 0o604);
    if (isRoot) await chown(folder.at('app.log'), 12_345, 54_321);
    const before = await stat(folder.at('app.log'));
    await rotate(folder, due, { now });
    const after = await stat(folder.at(`app.log.${stamp}.gz`));
    const of = ({ mode, uid, gid, mtimeMs }: typeof before) => [mode, uid, gid, Math.round(mtimeMs)];
    expect(of(after)).toEqual(of(before));
  });

  it('ends when its state cannot be read at the moment, and forgets no writer that has still to be told', async () => {
    await folder.write('app.log', 'one');
    await rotate(folder, { ...due, reopen: hook(true) }, { now });
    const open: FileSystem['open'] = (path, ...more) =>
      String(path).endsWith('.dotmac-log-rotation.json')
        ? Promise.reject(Object.assign(new Error('too many'), { code: 'EMFILE' }))
        : systemFiles.open(path, ...more);
    let told = 0;
    const policy = { ...due, reopen: () => void (told += 1) };
    const unread = rotate(folder, policy, { now, system: { ...systemFiles, open } });
    await expect(unread).rejects.toMatchObject({ code: 'EMFILE' });
    expect([told, await folder.names()]).toEqual([0, [`app.log.${stamp}`]]);
    await rotate(folder, policy, { now });
    expect([told, await folder.names()]).toEqual([1, [`app.log.${stamp}.gz`]]);
  });

  it.each(['chown', 'chmod'] as const)(
    'leaves it to the writer to make the new log where that cannot be made like the old one (%s)',
    async (operation) => {
      await folder.write('app.log', 'one');
      const { system } = failing(operation, 1, 'EPERM');
      const policy = { ...due, create: true, compress: false } as const;
      const { counts, faults } = await rotate(folder, policy, { now, system });
      expect([counts.rotated, faults.map(({ what }) => what)]).toEqual([1, ['file']]);
      expect(await readdir(folder.directory)).toEqual([`app.log.${stamp}`]);
    },
  );

  it('makes no new log over one that the writer made before it', async () => {
    await folder.write('app.log', 'one');
    const link: FileSystem['link'] = async (from, to) => {
      await systemFiles.link(from, to);
      if (String(to).endsWith(stamp)) {
        await unlink(folder.at('app.log'));
        await folder.write('app.log', 'two');
      }
    };
    const policy = { ...due, create: true, compress: false } as const;
    expect(await rotate(folder, policy, { now, system: { ...systemFiles, link } })).toMatchObject({ faults: [] });
    expect(await readdir(folder.directory)).toEqual(['app.log', `app.log.${stamp}`]);
    expect([await folder.read('app.log'), await folder.read(`app.log.${stamp}`)]).toEqual(['two', 'one']);
  });

  it('counts no log as rotated, and no file as deleted, that the system keeps from it', async () => {
    for (const operation of ['link', 'unlink'] as const) {
      await folder.remove();
      folder = await logFolder(now);
      await folder.write('app.log', operation === 'link' ? 'one' : '');
      await folder.write('app.log.20260101T000000Z', 'old', 30);
      const { system } = failing(operation, 1, 'EACCES');
      const policy = { ...due, compress: false, retentionDays: 10 } as const;
      const { counts, cleaned, faults } = await rotate(folder, policy, { now, system });
      expect(faults.map(({ what }) => what)).toEqual(['file']);
      const deleted = operation === 'link' ? 1 : 0;
      expect([counts.rotated, counts.deleted, counts.bytesFreed > 0, cleaned]).toEqual([
        0,
        deleted,
        deleted > 0,
        deleted,
      ]);
    }
  });

  it('leaves the logs as they are that it has not come to when no more is to be begun', async () => {
    for (const name of ['app.log', 'web.log', 'app.log.1']) await folder.write(name, name);
    const controller = new AbortController();
    const policy = {
      ...due,
      naming: 'numbered',
      keepFiles: 1,
      hooks: { beforeRotate: () => controller.abort() },
    } as const;
    const { counts } = await rotate(folder, policy, { now, signal: controller.signal });
    expect(counts).toMatchObject({ rotated: 1, deleted: 0, compressed: 0 });
    expect(await folder.names()).toEqual(['app.log.1', 'app.log.2', 'web.log']);
  });

  it('counts as freed what compressing gives back', async () => {
    await folder.write('app.log', 'x'.repeat(2 ** 20));
    const before = await stat(folder.at('app.log'));
    const { counts } = await rotate(folder, due, { now });
    const after = await stat(folder.at(`app.log.${stamp}.gz`));
    expect(counts.bytesFreed).toBe((before.blocks - after.blocks) * 512);
    expect(counts.bytesFreed).toBeGreaterThan(0);
  });

  it('leaves a log of 10 GB that is mostly hole in its room', async () => {
    await writeFile(folder.at('app.log'), '');
    await truncate(folder.at('app.log'), 10 * 2 ** 30);
    const { counts } = await rotate(folder, { ...due, compress: false }, { now });
    expect(counts.rotated).toBe(1);
    const { size, blocks } = await stat(folder.at(`app.log.${stamp}`));
    expect([size, blocks]).toEqual([10 * 2 ** 30, 0]);
  });

  it('copies holes as holes, and compresses them to next to nothing', async () => {
    await writeFile(folder.at('app.log'), 'begin\n');
    await truncate(folder.at('app.log'), 64 * 2 ** 20);
    await writeFile(folder.at('app.log'), 'end\n', { flag: 'a' });
    await rotate(folder, { ...due, method: 'copytruncate', compress: false }, { now });
    const copy = await stat(folder.at(`app.log.${stamp}`));
    expect(copy.size).toBe(64 * 2 ** 20 + 4);
    expect(copy.blocks * 512).toBeLessThan(2 ** 21);
    const { counts } = await rotate(folder, {}, { now });
    expect(counts.compressed).toBe(1);
    const text = await folder.read(`app.log.${stamp}.gz`);
    expect([text.length, text.slice(0, 6), text.slice(-4)]).toEqual([64 * 2 ** 20 + 4, 'begin\n', 'end\n']);
    expect((await readFile(folder.at(`app.log.${stamp}.gz`))).length).toBeLessThan(200_000);
  });
});
