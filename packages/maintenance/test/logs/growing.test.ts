import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codecs } from '../../src/files/codec.js';
import { compressFile } from '../../src/files/compress.js';
import { openRoot } from '../../src/files/root.js';
import { interruptible } from '../support/faulty-files.js';
import { logFolder, rotate, type LogFolder } from '../support/logs.js';
import { accountFor, logWriter } from '../support/log-writer.js';

const whole = { missing: [], doubled: [], torn: [] };
let folder: LogFolder;
beforeEach(async () => void (folder = await logFolder()));
afterEach(() => folder.remove());

describe('a rotated log whose writer still holds it', () => {
  const policy = { maxSizeMb: 1e-9, naming: 'numbered' as const };

  it('is not compressed until it is opened anew, and what is written meanwhile is there', async () => {
    const writer = logWriter(folder.at('app.log'));
    writer.write(100);
    const first = await rotate(folder, policy);
    expect(first.counts).toMatchObject({ rotated: 1, compressed: 0, growing: 1 });
    writer.write(100);
    // Nobody has told it: its next lines go there, too.
    expect((await rotate(folder, policy)).counts).toMatchObject({ rotated: 0, compressed: 0, growing: 1 });
    writer.write(100);
    expect(await folder.names()).toEqual(['app.log.1']);
    writer.reopen();
    writer.write(100);
    const last = await rotate(folder, { ...policy, reopen: () => writer.reopen() });
    expect(last.counts).toMatchObject({ rotated: 1, compressed: 2, growing: 0 });
    writer.close();
    expect(await folder.names()).toEqual(['app.log', 'app.log.1.gz', 'app.log.2.gz']);
    expect(accountFor(await folder.lines(), writer.written())).toEqual(whole);
  });
});

describe('a file that somebody unseen adds to while it is compressed', () => {
  const name = 'app.log.1';
  const write = (fd: number, from: number, count: number): void => {
    for (let i = from; i < from + count; i++) writeSync(fd, `line ${i} ${'.'.repeat(i % 80)}\n`);
  };

  it('keeps every line, whenever that was, as long as it has its name, and in the moment after', async () => {
    const outcomes = new Set<string>();
    for (let nth = 1, last = Infinity; nth <= last; nth++) {
      await folder.remove();
      folder = await logFolder();
      const fd = openSync(folder.at(name), 'a');
      write(fd, 0, 500);
      let [calls, lines, sinceGone] = [0, 500, 0];
      const system = interruptible(() => {
        calls += 1;
        // Up to the first call after its name is gone: what is said to nobody later than that is lost.
        if (!existsSync(folder.at(name))) sinceGone += 1;
        if (calls !== nth || sinceGone > 1) return;
        write(fd, lines, 3);
        lines += 3;
      });
      const root = await openRoot(folder.directory, { system });
      if (!root) throw new Error('the folder is not there');
      calls = 0;
      const options = { codec: codecs.gzip!, level: 6, signal: new AbortController().signal };
      const { outcome } = await compressFile(root, name, options);
      await root.close();
      closeSync(fd);
      if (calls < nth) last = nth;
      outcomes.add(`${outcome}${lines === 500 ? '' : ', added to'}`);
      expect([nth, await folder.names()]).toEqual([nth, [outcome === 'changed' ? name : `${name}.gz`]]);
      expect([nth, accountFor(await folder.lines(), lines)]).toEqual([nth, whole]);
    }
    expect([...outcomes].sort()).toEqual(['changed, added to', 'compressed', 'compressed, added to']);
  });
});
