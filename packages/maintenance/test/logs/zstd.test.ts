import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codecs } from '../../src/files/codec.js';
import { logFolder, rotate, type LogFolder } from '../support/logs.js';

const now = Date.UTC(2026, 0, 31, 12);
const policy = { maxSizeMb: 1e-9, compress: { codec: 'zstd' as const } };
const packed = 'app.log.20260131T120000Z.zst';

describe('rotation with zstd', () => {
  let folder: LogFolder;
  beforeEach(async () => void (folder = await logFolder(now)));
  afterEach(() => folder.remove());

  const unpacked = async (name: string): Promise<string> => {
    const parts: Buffer[] = [];
    const unpacking = codecs.zstd?.unpacking();
    if (!unpacking) throw new Error('this runtime has no zstd');
    unpacking.end(await readFile(folder.at(name)));
    for await (const part of unpacking) parts.push(part as Buffer);
    return Buffer.concat(parts).toString();
  };

  if (codecs.zstd === null)
    it('is refused at the start where the runtime has none, and no log is touched', async () => {
      await folder.write('app.log', 'a line\n');
      await expect(rotate(folder, policy, { now })).rejects.toThrow('this version of Node.js has no zstd');
      expect(await folder.names()).toEqual(['app.log']);
    });
  else {
    it('packs a log in several parts, and every byte is there again', async () => {
      const text = `${randomBytes(6 * 2 ** 20).toString('hex')}\n`;
      await folder.write('app.log', text);
      const { counts, faults } = await rotate(folder, policy, { now });
      expect({ faults, compressed: counts.compressed }).toEqual({ faults: [], compressed: 1 });
      expect(await folder.names()).toContain(packed);
      expect((await unpacked(packed)) === text).toBe(true);
    });

    it('keeps as many packed logs as it is told to, of either format', async () => {
      await folder.write('app.log.20260129T120000Z.gz', 'whatever', 2);
      await folder.write('app.log.20260130T120000Z.zst', 'whatever', 1);
      await folder.write('app.log', 'a line\n');
      await rotate(folder, { ...policy, keepFiles: 2 }, { now });
      expect((await folder.names()).filter((it) => it !== 'app.log')).toEqual(['app.log.20260130T120000Z.zst', packed]);
      expect(await unpacked(packed)).toBe('a line\n');
    });
  }
});
