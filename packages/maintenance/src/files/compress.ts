import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { codecOf, packedSuffixes, type Codec } from './codec.js';
import { factsOf, sameFile, type Facts } from './facts.js';
import { bytesOf, pack, readFull, writeFull } from './pack.js';
import type { OpenRoot } from './root.js';
import { noRelief, type Relief } from './steps.js';
import { unless } from './system.js';
import { isNameOf } from './taken-over.js';

/**
 * What compressing a file came to. `changed`: its writer is still at it, or its name is another file's by now; `taken`: the packed
 * name, or that of the part, is another file's. Both left it as it is.
 */
export type Compression =
  { outcome: 'compressed'; name: string; bytesBefore: number; bytesAfter: number } | { outcome: 'changed' | 'taken' };

/** Options of {@link compressFile}. */
export interface CompressOptions {
  codec: Codec;
  level: number;
  signal: AbortSignal;
  /** Default: it waits for nothing. */
  relief?: Relief;
  /** The file that is meant, when its name was read earlier. Default: whichever has the name. */
  listed?: Facts;
}

/** Ends what was not finished when its process died. */
export const partialSuffix = '.partial';
const mostLate = 1_048_576;

/**
 * Compresses `name` to `name.gz` or the like: into a partial file, read back and compared part by part, flushed to the
 * disk, only then given its name, and only then the original goes. Dying at any point leaves the original, or the whole
 * packed file. Keeps mode, owner and times. Bytes are those on the disk. A process that is held up, and finds when it wakes that
 * others have gone on, removes nothing of theirs.
 */
export async function compressFile(
  root: OpenRoot,
  name: string,
  { codec, level, signal, relief = noRelief, listed }: CompressOptions,
): Promise<Compression> {
  const packed = `${name}${codec.suffix}`;
  const partial = `${packed}${partialSuffix}`;
  if (await root.facts(packed)) return { outcome: 'taken' };
  const source = await root.openFile(name);
  try {
    const before = await source.stat({ bigint: true });
    if (listed && !sameFile(factsOf(before), listed)) return { outcome: 'changed' };
    const isSame = async (): Promise<boolean> => {
      const after = await source.stat({ bigint: true });
      return after.size === before.size && after.mtimeNs === before.mtimeNs;
    };
    // What a dead process left of it was removed before the work began: this is of somebody who is at it.
    const target = await root.create(partial, 0o600).catch(unless('EEXIST'));
    if (!target) return { outcome: 'taken' };
    const discard = async (it: string): Promise<void> => {
      await root.remove(it, factsOf(await target.stat({ bigint: true })));
    };
    try {
      const { read, written } = await pack(source, target, codec, level, { signal, relief });
      if (BigInt(read) !== before.size || !(await isSame())) {
        await discard(partial);
        return { outcome: 'changed' };
      }
      await dress(target, before);
      await target.sync();
      signal.throwIfAborted();
      if (!(await isNameOf(root, name, source))) {
        await discard(partial);
        return { outcome: 'changed' };
      }
      await root.move(partial, packed);
      if (!(await isNameOf(root, packed, target))) return { outcome: 'taken' };
      if (!(await isSame())) {
        await discard(packed);
        return { outcome: 'changed' };
      }
      signal.throwIfAborted();
      // Who took over from this process may have finished it.
      if (!(await root.remove(name, factsOf(before)))) return { outcome: 'changed' };
      await addLate(source, target, { read, written }, { codec, level });
      await root.sync();
      const bytesAfter = factsOf(await target.stat({ bigint: true })).diskBytes;
      return { outcome: 'compressed', name: packed, bytesBefore: factsOf(before).diskBytes, bytesAfter };
    } catch (error) {
      await discard(partial).catch(() => undefined);
      throw error;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/**
 * What somebody who has the file open, and whom this process cannot see, added between the last look and its end: it is
 * nowhere else any more.
 */
async function addLate(
  source: FileHandle,
  target: FileHandle,
  done: { read: number; written: number },
  { codec, level }: Pick<CompressOptions, 'codec' | 'level'>,
): Promise<void> {
  let { read, written } = done;
  for (;;) {
    const { size } = await source.stat();
    if (size <= read) return;
    const part = await readFull(source, Buffer.allocUnsafe(Math.min(mostLate, size - read)), read);
    if (part.length === 0) return;
    const packed = await codec.pack(part, level);
    await writeFull(target, packed, written);
    await target.sync();
    read += part.length;
    written += packed.length;
  }
}

/** Gives a file the owner, mode and times of another. */
export async function dress(target: FileHandle, { uid, gid, mode, atimeNs, mtimeNs }: BigIntStats): Promise<void> {
  await target.chown(Number(uid), Number(gid));
  await target.chmod(Number(mode) & 0o7777);
  await target.utimes(Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9);
}

/**
 * Finishes what a dead process left of a file that has its packed name: of the original and its packed file one goes, when
 * that has nothing that the other has not.
 */
export async function recoverCompression(root: OpenRoot, name: string, signal: AbortSignal): Promise<void> {
  for (const suffix of packedSuffixes) {
    const packed = `${name}${suffix}`;
    const [codec, facts, original] = [codecOf(suffix), await root.facts(packed), await root.facts(name)];
    if (!codec || !facts || !original || !root.isPlain(facts) || !root.isPlain(original)) continue;
    const same = await unpackedIn(root, packed, name, codec, signal);
    if (same === 'all') await root.remove(name, original);
    else if (same === 'beginning') await root.remove(packed, facts);
    if (same !== 'other') await root.sync();
  }
}

/** What a packed file holds of a plain one: all, its beginning, or something else. */
async function unpackedIn(
  root: OpenRoot,
  packed: string,
  name: string,
  codec: Codec,
  signal: AbortSignal,
): Promise<'all' | 'beginning' | 'other'> {
  const file = await root.openFile(packed);
  try {
    const plain = await root.openFile(name);
    try {
      return await compareUnpacked(file, plain, codec, signal);
    } finally {
      await plain.close();
    }
  } finally {
    await file.close();
  }
}

async function compareUnpacked(
  packed: FileHandle,
  plain: FileHandle,
  codec: Codec,
  signal: AbortSignal,
): ReturnType<typeof unpackedIn> {
  try {
    let position = 0;
    let same = true;
    await pipeline(
      bytesOf(packed),
      codec.unpacking(),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          same &&= (await readFull(plain, Buffer.allocUnsafe(chunk.length), position)).equals(chunk);
          position += chunk.length;
          if (!same) return;
        }
      },
      { signal },
    );
    if (!same) return 'other';
    return position === (await plain.stat()).size ? 'all' : 'beginning';
  } catch (error) {
    if (signal.aborted) throw error;
    // Not what we packed, or cut off.
    return 'other';
  }
}
