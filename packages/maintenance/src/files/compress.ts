import { constants } from 'node:fs';
import { link, open, unlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { bytesOf, digesting, into, nowhere } from './byte-streams.js';
import type { OpenRoot } from './root.js';

/** What compressing a file came to. `changed`: its writer is still at it, so it was left as it is. */
export type Compression =
  { outcome: 'compressed'; name: string; bytesBefore: number; bytesAfter: number } | { outcome: 'changed' };

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

/** Ends what `compressFile` had not finished when its process died. */
const partialSuffix = '.gz.partial';

/**
 * Compresses `name` to `name.gz`: into a partial file, flushed to the disk, read back and compared by digest, only
 * then given its name, and only then the original goes. Dying at any point leaves the original, or the whole `.gz`.
 * Keeps mode and time of modification.
 */
export async function compressFile(root: OpenRoot, name: string, signal: AbortSignal): Promise<Compression> {
  const partial = `${name}${partialSuffix}`;
  const source = await root.openFile(name);
  try {
    const before = await source.stat();
    await unlink(root.at(partial)).catch(ignoreMissing);
    const target = await open(root.at(partial), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, before.mode & 0o777);
    try {
      const read = digesting();
      await pipeline(bytesOf(source), read.through, createGzip({ level: 6 }), into(target), { signal });
      const back = digesting();
      await pipeline(bytesOf(target), createGunzip(), back.through, nowhere(), { signal });
      const after = await source.stat();
      if (after.size !== read.size() || after.mtimeMs !== before.mtimeMs) {
        await unlink(root.at(partial));
        return { outcome: 'changed' };
      }
      if (read.digest() !== back.digest()) throw new Error('the compressed file does not read back as the original');
      await target.chmod(before.mode & 0o777);
      await target.utimes(before.atime, before.mtime);
      await target.sync();
      // Not onto a file that is there.
      await link(root.at(partial), root.at(`${name}.gz`));
      await unlink(root.at(partial));
      await root.sync();
      await unlink(root.at(name));
      await root.sync();
      return {
        outcome: 'compressed',
        name: `${name}.gz`,
        bytesBefore: after.size,
        bytesAfter: (await target.stat()).size,
      };
    } catch (error) {
      await unlink(root.at(partial)).catch(ignoreMissing);
      throw error;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/**
 * Finishes what a dead process left of a file: a partial copy always goes, the original goes when its `.gz` reads back
 * as the same.
 */
export async function recoverCompression(root: OpenRoot, name: string): Promise<void> {
  await unlink(root.at(`${name}${partialSuffix}`)).catch(ignoreMissing);
  const packed = await digestOf(root, `${name}.gz`, true);
  if (packed !== null && packed === (await digestOf(root, name, false))) await unlink(root.at(name));
}

async function digestOf(root: OpenRoot, name: string, gzipped: boolean): Promise<string | null> {
  try {
    const file = await root.openFile(name);
    const { through, digest } = digesting();
    try {
      await (gzipped
        ? pipeline(bytesOf(file), createGunzip(), through, nowhere())
        : pipeline(bytesOf(file), through, nowhere()));
      return digest();
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}
