import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backupDirectory, type BackupDirectory } from '../../src/backups/directory.js';
import type { Manifest } from '../../src/backups/manifest.js';
import { openRoot } from '../../src/files/root.js';
import { TakenOverError } from '../../src/files/taken-over.js';
import { interruptible } from '../support/faulty-files.js';

const [name, id] = ['app', '20260131T120000000Z-0123abcd'];
const [dump, manifestName] = [`${name}-${id}.sqlite`, `${name}-${id}.json`];
const content: Manifest = {
  ...{
    version: 1,
    policy: name,
    kind: 'sqlite',
    file: dump,
    compression: 'none',
    takenAt: 1,
    durationMs: 1,
    tool: 't',
  },
  ...{
    bytes: 4,
    sha256: '0'.repeat(64),
    contentBytes: 4,
    tables: [],
    state: 'unverified',
    verifiedAt: null,
    fault: null,
  },
};
const verified = JSON.stringify({ ...content, state: 'verified', verifiedAt: 2 });

interface Place {
  backups: BackupDirectory;
  at(name: string): string;
  /** From here on, calls are counted. */
  begin(): void;
}

/** Works in a directory of backups; others come before its Nth call. Whether it made so many, and what it left. */
async function heldUpAt(nth: number, deed: (at: Place['at']) => void, work: (place: Place) => Promise<void>) {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-backups-'));
  const at = (file: string): string => join(directory, file);
  let [calls, isCounting] = [0, false];
  const system = interruptible((operation, when) => {
    // The look right before it is a call as well, and what is between the two is left open.
    if (isCounting && when === 'before' && operation !== 'unlink' && ++calls === nth) deed(at);
  });
  try {
    const root = await openRoot(directory, { system });
    if (!root) throw new Error('the directory is not there');
    const place = { backups: backupDirectory(root, { name, directory }), at, begin: () => void (isCounting = true) };
    await work(place).finally(() => root.close());
    const left: Record<string, string> = {};
    for (const file of await readdir(directory)) left[file] = await readFile(at(file), 'utf8');
    return { wasHeldUp: calls >= nth, left };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** What is left when the work is held up at each of its calls, one after another. */
async function heldUpAtEach(deed: (at: Place['at']) => void, work: (place: Place) => Promise<void>) {
  const outcomes: Record<string, string>[] = [];
  for (let nth = 1; ; nth++) {
    const { wasHeldUp, left } = await heldUpAt(nth, deed, work);
    if (!wasHeldUp) return outcomes;
    outcomes.push(left);
  }
}

/** Puts another file in the place of one, by renaming, as whoever writes a backup does. */
const replace = (path: string, text: string): void => {
  writeFileSync(`${path}~`, text);
  renameSync(`${path}~`, path);
};

describe('a process that is held up while it removes what dead ones left', () => {
  const partial = `${manifestName}.partial`;
  const sweep = async ({ backups, at, begin }: Place): Promise<void> => {
    for (const file of [dump, partial]) writeFileSync(at(file), 'left');
    begin();
    await backups.sweep();
  };

  it('leaves a dump that is a backup by then', async () => {
    const finish = (at: Place['at']): void => {
      replace(at(manifestName), verified);
      rmSync(at(partial), { force: true });
    };
    const outcomes = await heldUpAtEach(finish, sweep);
    // Up to its last look for a manifest: by then it has listed and looked at them.
    const kept = outcomes.findIndex((left) => left[dump] !== 'left');
    expect(kept).toBeGreaterThan(3);
    expect(outcomes.map((left) => left[manifestName])).toEqual(outcomes.map(() => verified));
  });

  it('leaves files that others put there meanwhile', async () => {
    const put = (at: Place['at']): void => [dump, partial].forEach((file) => replace(at(file), 'fresh'));
    const outcomes = (await heldUpAtEach(put, sweep)).map((left) => Object.values(left).join(' '));
    // Where they come before it looks, they are what it finds.
    const looked = outcomes.indexOf('fresh fresh');
    expect(looked).toBeGreaterThan(-1);
    expect(new Set(outcomes.slice(looked))).toEqual(new Set(['fresh fresh']));
    expect(outcomes.length - looked).toBeGreaterThan(2);
  });

  it('leaves a file that somebody writes to', async () => {
    const outcomes = await heldUpAtEach((at) => appendFileSync(at(partial), ', and more'), sweep);
    expect(outcomes.map((left) => left[partial])).toContain('left, and more');
  });
});

describe('a process that is held up while it removes a backup', () => {
  const remove = async ({ backups, at, begin }: Place): Promise<void> => {
    writeFileSync(at(dump), 'dump');
    await backups.writeManifest(id, content);
    const [backup] = await backups.list();
    if (!backup) throw new Error('there is no backup');
    begin();
    await backups.remove(backup);
  };

  it('leaves it when others have tried it out meanwhile', async () => {
    const outcomes = await heldUpAtEach((at) => replace(at(manifestName), verified), remove);
    expect(outcomes.map((left) => left[manifestName])).toEqual(outcomes.map(() => verified));
    // With its dump, as long as it had a manifest.
    expect(outcomes.filter((left) => left[dump] === 'dump').length).toBeGreaterThan(1);
  });

  it('leaves a dump that others put in its place', async () => {
    const outcomes = await heldUpAtEach((at) => replace(at(dump), 'fresh'), remove);
    expect(outcomes.map((left) => left[dump])).toEqual(outcomes.map(() => 'fresh'));
    expect(outcomes.length).toBeGreaterThan(3);
  });
});

describe('a process that is held up while it writes a manifest', () => {
  it('leaves that of whoever took over, and the part that it is at', async () => {
    const partial = `${manifestName}.partial`;
    const errors: unknown[] = [];
    const write = async ({ backups, at, begin }: Place): Promise<void> => {
      writeFileSync(at(manifestName), verified);
      begin();
      await backups.writeManifest(id, content).catch((error: unknown) => errors.push(error));
    };
    // Before it is flushed: the calls are to open, to write, and to flush.
    const { left } = await heldUpAt(3, (at) => replace(at(partial), 'half of anoth'), write);
    expect(left).toEqual({ [manifestName]: verified, [partial]: 'half of anoth' });
    expect(errors).toEqual([expect.any(TakenOverError)]);
  });
});

it('the file in between of one who tries a backup out is not that of another, and both go with what is left', async () => {
  const { left } = await heldUpAt(
    1,
    () => undefined,
    async ({ backups }) => {
      const files = [backups.scratchFile(id), backups.scratchFile(id)];
      expect(new Set(files).size).toBe(2);
      for (const file of files) for (const side of ['', '-wal']) writeFileSync(file + side, 'left');
      expect(await backups.sweep()).toBe(4);
    },
  );
  expect(left).toEqual({});
});
