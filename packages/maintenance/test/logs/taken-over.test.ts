import { renameSync } from 'node:fs';
import * as files from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { codecs, type Codec } from '../../src/files/codec.js';
import { compressFile } from '../../src/files/compress.js';
import { openRoot } from '../../src/files/root.js';
import type { FileSystem } from '../../src/files/system.js';
import { TakenOverError } from '../../src/files/taken-over.js';
import { wordedFileError } from '../../src/files/worded-error.js';
import { createLog } from '../../src/logs/move-log.js';
import { recoverLogs } from '../../src/logs/recover.js';
import { readState, stateName, writeState } from '../../src/logs/state.js';
import { checkLog } from '../../src/policies/check-log.js';
import { interruptible } from '../support/faulty-files.js';
import { logFolder, type LogFolder } from '../support/logs.js';

let folder: LogFolder;
beforeEach(async () => void (folder = await logFolder()));
afterEach(() => folder.remove());

const partial = 'app.log.1.partial';

it('a process that cannot give the new log its name leaves the part of whoever took over', async () => {
  await folder.write('app.log', 'a line\n');
  await folder.write('aside', 'of another');
  const link: FileSystem['link'] = async (from, to) => {
    await files.rename(folder.at('aside'), from);
    return files.link(from, to);
  };
  const root = await openRoot(folder.directory, { system: { ...files, link } });
  const facts = await root?.facts('app.log');
  if (!root || !facts) throw new Error('it is not there');
  const policy = checkLog({ name: 'app', directory: folder.directory, naming: 'numbered', maxSizeMb: 1, create: true });
  await createLog(root, policy, { name: 'app.log', facts }, 'app.log.1');
  await root.close();
  expect(await folder.names()).toEqual(['app.log', partial]);
  expect(await folder.read(partial)).toBe('of another');
});

it('a process that is held up before it removes the parts of a dead one leaves those that others write by then', async () => {
  const parts = ['app.log.1.gz.partial', 'app.log.2.gz.partial', `${stateName}.partial`];
  for (const name of parts) await folder.write(name, 'of a dead one');
  await folder.write('aside', 'of another');
  let isHeldUp = true;
  const system = interruptible((operation, when) => {
    if (!isHeldUp || operation !== 'unlink' || when !== 'before') return;
    isHeldUp = false;
    renameSync(folder.at('aside'), folder.at('app.log.2.gz.partial'));
  });
  const root = await openRoot(folder.directory, { system });
  if (!root) throw new Error('it is not there');
  const policy = checkLog({ name: 'app', directory: folder.directory, naming: 'numbered', maxSizeMb: 1 });
  const act = (work: () => Promise<void>) => work().then(() => true);
  await recoverLogs(root, policy, new AbortController().signal, act).finally(() => root.close());
  expect(await files.readdir(folder.directory)).toEqual(['app.log.2.gz.partial']);
  expect(await files.readFile(folder.at('app.log.2.gz.partial'), 'utf8')).toBe('of another');
});

it('who finds a part of somebody else compresses nothing, writes no state, and leaves it', async () => {
  await folder.write('app.log.1', 'a line\n');
  const parts = ['app.log.1.gz.partial', `${stateName}.partial`];
  for (const name of parts) await folder.write(name, 'of another');
  const root = await openRoot(folder.directory);
  if (!root) throw new Error('it is not there');
  try {
    const [{ signal }, codec] = [new AbortController(), codecs.gzip as Codec];
    expect(await compressFile(root, 'app.log.1', { codec, level: 6, signal })).toEqual({ outcome: 'taken' });
    await expect(writeState(root, { since: {}, untold: [] })).rejects.toBeInstanceOf(TakenOverError);
  } finally {
    await root.close();
  }
  expect((await files.readdir(folder.directory)).sort()).toEqual([`${stateName}.partial`, 'app.log.1', parts[0]]);
  for (const name of parts) expect(await files.readFile(folder.at(name), 'utf8')).toBe('of another');
});

it('a process that is held up while it writes the state leaves that of whoever took over, and the part that it is at', async () => {
  await folder.write(`${stateName}.theirs`, 'half of anoth');
  let isHeldUp = false;
  const system = interruptible((operation, when) => {
    if (!isHeldUp || operation !== 'sync' || when !== 'before') return;
    isHeldUp = false;
    renameSync(folder.at(`${stateName}.theirs`), folder.at(`${stateName}.partial`));
  });
  const root = await openRoot(folder.directory, { system });
  if (!root) throw new Error('it is not there');
  try {
    await writeState(root, { since: { 'app.log': 1 }, untold: [] });
    isHeldUp = true;
    const error: unknown = await writeState(root, { since: {}, untold: ['app'] }).catch((it: unknown) => it);
    expect(error).toBeInstanceOf(TakenOverError);
    expect(wordedFileError(error)).toContain('another process');
    expect(await readState(root)).toEqual({ since: { 'app.log': 1 }, untold: [], damaged: false });
    expect(await folder.read(`${stateName}.partial`)).toBe('half of anoth');
  } finally {
    await root.close();
  }
});
