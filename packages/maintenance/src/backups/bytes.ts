import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Content } from './source.js';

const chunkBytes = 256 * 1024;

/** A file's bytes from its start, by position: the handle stays open and its own, unlike with its streams. */
export async function* bytesOf(file: FileHandle): Content {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Writes to a file from its start; the handle stays open. */
export async function writeAll(file: FileHandle, content: Content): Promise<void> {
  let position = 0;
  for await (const chunk of content)
    for (let offset = 0; offset < chunk.length;) {
      const { bytesWritten } = await file.write(chunk, offset, chunk.length - offset, position);
      offset += bytesWritten;
      position += bytesWritten;
    }
}

/** Passes bytes on and remembers how many and which. */
export function measure(): { through(content: Content): Content; size(): number; sha256(): string } {
  const hash = createHash('sha256');
  let size = 0;
  return {
    async *through(content) {
      for await (const chunk of content) {
        size += chunk.length;
        hash.update(chunk);
        yield chunk;
      }
    },
    size: () => size,
    sha256: () => hash.copy().digest('hex'),
  };
}
