import { execFileSync } from 'node:child_process';
import * as files from 'node:fs/promises';
import { link, lstat, mkdir, mkdtemp, readFile, readdir, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { factsOf, sameFile } from '../../src/files/facts.js';
import { openRoot, UnsafePathError } from '../../src/files/root.js';
import type { FileSystem } from '../../src/files/system.js';

describe('a file that is opened in a directory', () => {
  let outer: string;
  const at = (...names: string[]) => join(outer, ...names);
  beforeEach(async () => {
    outer = await mkdtemp(join(tmpdir(), 'dotmac-root-'));
    await mkdir(at('logs'), { mode: 0o755 });
    await writeFile(at('victim'), 'canary');
  });
  afterEach(() => rm(outer, { recursive: true }));

  /** Does something between the opening of `app.log` and the first look at it. */
  const afterOpening = async (act: () => Promise<void>) => {
    const open: FileSystem['open'] = async (path, ...more) => {
      const opened = await files.open(path, ...more);
      if (String(path).endsWith('/app.log')) await act();
      return opened;
    };
    const root = await openRoot(at('logs'), { system: { ...files, open } });
    if (!root) throw new Error('the directory is not there');
    return root;
  };

  it('is refused when it was a second link to a file outside, and is one no more when it is looked at', async () => {
    await link(at('victim'), at('logs', 'app.log'));
    const root = await afterOpening(() => unlink(at('logs', 'app.log')));
    await expect(root.openFile('app.log', 'change')).rejects.toThrow(UnsafePathError);
    await root.close();
  });

  it('is refused when another has taken its name by then', async () => {
    await link(at('victim'), at('logs', 'app.log'));
    const root = await afterOpening(async () => {
      await unlink(at('logs', 'app.log'));
      await writeFile(at('logs', 'app.log'), 'another');
    });
    await expect(root.openFile('app.log')).rejects.toThrow(UnsafePathError);
    await root.close();
  });

  it.each(['', '.', '..', '../victim', 'a/b', 'app.log\0.gz', '\0'])('is none of a name like %j', async (name) => {
    const root = await afterOpening(() => Promise.resolve());
    const any = factsOf(await lstat(at('logs'), { bigint: true }));
    const asked: (() => Promise<unknown>)[] = [
      () => root.facts(name),
      () => root.openFile(name, 'change'),
      () => root.create(name, 0o600),
      () => root.move(name, 'moved'),
      () => root.move('app.log', name),
      () => root.replace(name, 'moved'),
      () => root.replace('app.log', name),
      async () => root.unlink(name),
      () => root.remove(name, any),
      () => root.removeDirectory(name, any),
      () => root.openDirectory(name),
    ];
    await writeFile(at('logs', 'app.log'), 'a line');
    for (const ask of asked) await expect((async () => ask())(), ask.toString()).rejects.toThrow(UnsafePathError);
    await root.close();
    expect(await readdir(at('logs'))).toEqual(['app.log']);
    expect(await readFile(at('victim'), 'utf8')).toBe('canary');
  });

  it('is not reached through a link, wherever on the way that is', async () => {
    await mkdir(at('elsewhere', 'logs'), { recursive: true, mode: 0o755 });
    await symlink(at('elsewhere'), at('link'));
    await symlink(at('elsewhere'), at('logs', 'link'));
    await symlink(at('victim'), at('logs', 'app.log'));
    for (const names of [['link'], ['link', 'logs'], ['logs', 'link', 'logs']])
      await expect(openRoot(at(...names)), names.join('/')).rejects.toThrow(UnsafePathError);
    const root = await afterOpening(() => Promise.resolve());
    expect(await root.openDirectory('link')).toBeNull();
    await expect(root.openFile('app.log', 'change')).rejects.toThrow(UnsafePathError);
    await expect(root.create('app.log', 0o600)).rejects.toMatchObject({ code: 'EEXIST' });
    await root.close();
    expect(await readFile(at('victim'), 'utf8')).toBe('canary');
  });

  it('is a regular one of one name and of this device: no second link, no pipe, no other disk', async () => {
    await link(at('victim'), at('logs', 'second'));
    await writeFile(at('logs', 'app.log'), 'a line');
    execFileSync('mkfifo', [at('logs', 'pipe')]);
    const root = await afterOpening(() => Promise.resolve());
    for (const name of ['second', 'pipe'])
      for (const access of ['read', 'change'] as const)
        await expect(root.openFile(name, access), name).rejects.toThrow(UnsafePathError);
    const plain = await root.facts('app.log');
    if (!plain) throw new Error('it is not there');
    const elsewhere = { ...plain, device: plain.device + 1n };
    const all = [plain, await root.facts('second'), await root.facts('pipe'), elsewhere];
    expect(all.map((it) => it && root.isPlain(it))).toEqual([true, false, false, false]);
    await root.close();
  });

  it('is moved away from its name, and no other that has been put there meanwhile', async () => {
    await writeFile(at('logs', 'app.log'), 'a line');
    const replaced: FileSystem['link'] = async (from, to) => {
      await files.link(from, to);
      await unlink(at('logs', 'app.log'));
      await writeFile(at('logs', 'app.log'), 'another');
    };
    const root = await openRoot(at('logs'), { system: { ...files, link: replaced } });
    await root?.move('app.log', 'app.log.1');
    await root?.close();
    expect(await readFile(at('logs', 'app.log'), 'utf8')).toBe('another');
    expect(await readFile(at('logs', 'app.log.1'), 'utf8')).toBe('a line');
  });

  it('is the same one as another of its number on its own disk alone', async () => {
    await writeFile(at('logs', 'app.log'), 'a line');
    const root = await afterOpening(() => Promise.resolve());
    const known = await root.facts('app.log');
    await root.close();
    expect(known && sameFile(known, { ...known, links: 2 })).toBe(true);
    expect(known && sameFile(known, { ...known, device: known.device + 1n })).toBe(false);
  });

  it('gets another name where there are no links, or keeps its own, and leaves no other behind', async () => {
    await writeFile(at('logs', 'app.log'), 'a line');
    const no = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
    const moving = async (system: Partial<FileSystem>) => {
      const root = await openRoot(at('logs'), { system: { ...files, link: no('EPERM'), ...system } });
      await root?.move('app.log', 'app.log.1').finally(() => root.close());
    };
    await expect(moving({ rename: no('EIO') })).rejects.toMatchObject({ code: 'EIO' });
    expect(await readdir(at('logs'))).toEqual(['app.log']);
    await moving({});
    expect(await readdir(at('logs'))).toEqual(['app.log.1']);
    await writeFile(at('logs', 'app.log'), 'another');
    await expect(moving({})).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(at('logs', 'app.log.1'), 'utf8')).toBe('a line');
  });

  it.each([
    ['and was done', 'a line', (from: string, to: string) => files.rename(from, to)],
    ['and the name is of another by then', 'another', (_: string, to: string) => files.rename(at('another'), to)],
  ])('is not lost where there are no links, and renaming is said to have failed %s', async (_, kept, happens) => {
    await writeFile(at('logs', 'app.log'), 'a line');
    await writeFile(at('another'), 'another');
    const link = () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' }));
    const rename: FileSystem['rename'] = async (from, to) => {
      await happens(String(from), String(to));
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    const root = await openRoot(at('logs'), { system: { ...files, link, rename } });
    await expect(root?.move('app.log', 'app.log.1').finally(() => root.close())).rejects.toMatchObject({ code: 'EIO' });
    expect(await readFile(at('logs', 'app.log.1'), 'utf8')).toBe(kept);
  });

  it('is replaced for good before that is told, and all that was opened on the way is closed', async () => {
    const [opened, done]: [files.FileHandle[], string[]] = [[], []];
    const system: FileSystem = {
      ...files,
      async open(...asked) {
        const handle = await files.open(...asked);
        const sync = handle.sync.bind(handle);
        handle.sync = () => (done.push('sync'), sync());
        opened.push(handle);
        return handle;
      },
      rename: (...names) => (done.push('rename'), files.rename(...names)),
    };
    await writeFile(at('logs', 'app.log'), 'a line');
    const root = await openRoot(at('logs'), { system });
    await root?.replace('app.log', 'app.log.1');
    expect(done).toEqual(['rename', 'sync']);
    await root?.close();
    expect(opened.length).toBeGreaterThan(1);
    expect(opened.filter(({ fd }) => fd !== -1)).toEqual([]);
  });

  it('is what has its name, and nothing else', async () => {
    await writeFile(at('logs', 'app.log'), 'a line');
    const root = await afterOpening(() => Promise.resolve());
    const file = await root.openFile('app.log', 'change');
    await file.truncate(0);
    await file.close();
    await root.close();
    expect(await readFile(at('logs', 'app.log'), 'utf8')).toBe('');
    expect(await readFile(at('victim'), 'utf8')).toBe('canary');
  });
});
