import * as files from 'node:fs/promises';
import { link, mkdir, mkdtemp, readFile, readdir, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
    const asked: (() => Promise<unknown>)[] = [
      () => root.facts(name),
      () => root.openFile(name, 'change'),
      () => root.create(name, 0o600),
      () => root.move(name, 'moved'),
      () => root.move('app.log', name),
      () => root.replace(name, 'moved'),
      () => root.replace('app.log', name),
      async () => root.unlink(name),
      async () => root.removeDirectory(name),
      () => root.openDirectory(name),
    ];
    await writeFile(at('logs', 'app.log'), 'a line');
    for (const ask of asked) await expect((async () => ask())(), ask.toString()).rejects.toThrow(UnsafePathError);
    await root.close();
    expect(await readdir(at('logs'))).toEqual(['app.log']);
    expect(await readFile(at('victim'), 'utf8')).toBe('canary');
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
