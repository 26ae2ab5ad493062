import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRoot, type OpenRoot } from '../../src/files/root.js';
import { readRotatedName, rotateFile } from '../../src/files/rotate.js';

let directory: string;
let root: OpenRoot;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dotmac-rotate-'));
  const opened = await openRoot(directory);
  if (!opened) throw new Error('the directory just made is not there');
  root = opened;
});
afterEach(async () => {
  await root.close();
  await rm(directory, { recursive: true });
});

describe('rotating a log', () => {
  it('never overwrites: each of many rotations in one second keeps its own file', async () => {
    const at = Date.UTC(2026, 0, 31, 12);
    await writeFile(join(directory, 'app.log.20260131T120000Z.gz'), 'packed before');
    const names: string[] = [];
    for (let round = 0; round < 5; round++) {
      await writeFile(join(directory, 'app.log'), `round ${round}`);
      names.push(await rotateFile(root, 'app.log', at));
    }
    expect(new Set(names).size).toBe(5);
    expect(await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))).toEqual(
      Array.from({ length: 5 }, (_, round) => `round ${round}`),
    );
    expect(await readFile(join(directory, 'app.log.20260131T120000Z.gz'), 'utf8')).toBe('packed before');
    expect(await readdir(directory)).toHaveLength(6);
  });

  it('gives names that are read back as what they were, and takes no other name for one', async () => {
    const log = fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}\.log$/);
    const time = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });
    await fc.assert(
      fc.asyncProperty(log, time, async (name, at) => {
        await writeFile(join(directory, name), 'x');
        const rotated = await rotateFile(root, name, at);
        expect(readRotatedName(rotated)).toEqual({ log: name, compressed: false });
        expect(readRotatedName(`${rotated}.gz`)).toEqual({ log: name, compressed: true });
        expect(readRotatedName(name)).toBeNull();
        await rm(join(directory, rotated));
      }),
      { numRuns: 100 },
    );
  });
});
