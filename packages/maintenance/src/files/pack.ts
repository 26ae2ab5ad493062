import type { FileHandle } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Codec } from './codec.js';
import type { Relief } from './steps.js';

const partBytes = 4 * 1_048_576;
/** Of the four threads that all of the process's file work shares, one is left to others. */
const mostAtOnce = Math.min(3, availableParallelism());

/** Reads as much as there is, up to the buffer's length. */
export async function readFull(file: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

/** Writes all of it. */
export async function writeFull(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, offset, bytes.length - offset, position + offset);
    offset += bytesWritten;
  }
}

/**
 * Compresses a file in parts, several at a time, each read back from the target and unpacked before the next that
 * takes its place. Both files stay open. Waits between parts while the application is under pressure.
 * @returns the bytes read and written
 */
export async function pack(
  source: FileHandle,
  target: FileHandle,
  codec: Codec,
  level: number,
  { signal, relief }: { signal: AbortSignal; relief: Relief },
): Promise<{ read: number; written: number }> {
  // One byte more than there is, so that a small file ends with its first part.
  const partLength = Math.min(partBytes, (await source.stat()).size + 1);
  const zeros = Buffer.alloc(partLength);
  // Holes read as zeros: a file of 10 GB may be nothing else.
  let packedZeros: Promise<Buffer> | undefined;
  let checkedZeros: Buffer | undefined;
  let [read, written, ended] = [0, 0, false];
  // What was packed is written in its turn.
  let turn = Promise.resolve();

  const packPart = (part: Buffer): Promise<Buffer> =>
    part.equals(zeros) ? (packedZeros ??= codec.pack(part, level)) : codec.pack(part, level);
  const writePart = async (packed: Buffer, before: Promise<void>): Promise<number> => {
    await before;
    const position = written;
    await writeFull(target, packed, position);
    written += packed.length;
    return position;
  };
  const check = async (part: Buffer, packed: Buffer, position: number): Promise<void> => {
    const back = await readFull(target, Buffer.allocUnsafe(packed.length), position);
    const isKnown = packed === checkedZeros;
    const same = back.equals(packed) && (isKnown || (await codec.unpack(back, part.length)).equals(part));
    if (!same) throw new Error('the compressed file does not read back as the original');
    if (packed === (await packedZeros)) checkedZeros = packed;
  };
  const work = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafeSlow(partLength);
    while (!ended) {
      await relief();
      // Looked at after a pause: another may have the directory by now.
      signal.throwIfAborted();
      // Reading and taking one's turn are one step for those that read beside.
      const [reading, before] = [nextPart(buffer), turn];
      let done = (): void => {};
      const written = new Promise<void>((resolve) => (done = resolve));
      turn = before.then(() => written);
      try {
        const part = await reading;
        if (part.length === 0) return;
        const packed = await packPart(part);
        const position = await writePart(packed, before);
        done();
        await check(part, packed, position);
      } catch (error) {
        ended = true;
        throw error;
      } finally {
        done();
      }
    }
  };
  let reads = Promise.resolve();
  const nextPart = (buffer: Buffer): Promise<Buffer> => {
    const part = reads.then(() => readFull(source, buffer, read));
    reads = part.then(
      ({ length }) => {
        read += length;
        if (length < buffer.length) ended = true;
      },
      () => undefined,
    );
    return part;
  };
  // All end before the files may be closed.
  const ends = await Promise.allSettled(Array.from({ length: mostAtOnce }, work));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  if (read === 0) await writePart(await codec.pack(Buffer.alloc(0), level), turn);
  return { read, written };
}

/** A file's bytes from its start, by position: the handle stays open and its own, unlike with its streams. */
export async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const part = await readFull(file, Buffer.allocUnsafe(256 * 1024), position);
    if (part.length === 0) return;
    position += part.length;
    yield part;
  }
}
