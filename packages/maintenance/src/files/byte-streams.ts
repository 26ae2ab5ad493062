import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Transform, Writable } from 'node:stream';

const chunkBytes = 256 * 1024;

/** A file's bytes from its start, by position: the handle stays open and its own, unlike with its streams. */
export async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Writes to a file from its start; the handle stays open. */
export function into(file: FileHandle): Writable {
  let position = 0;
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const writeAll = async (): Promise<void> => {
        for (let offset = 0; offset < chunk.length;) {
          const { bytesWritten } = await file.write(chunk, offset, chunk.length - offset, position);
          offset += bytesWritten;
          position += bytesWritten;
        }
      };
      writeAll().then(() => done(), done);
    },
  });
}

/** Lets bytes vanish. */
export const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

/** Passes bytes on and remembers how many and which. */
export function digesting(): { through: Transform; size(): number; digest(): string } {
  const hash = createHash('sha256');
  let size = 0;
  let digest: string | undefined;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  return { through, size: () => size, digest: () => (digest ??= hash.digest('hex')) };
}
