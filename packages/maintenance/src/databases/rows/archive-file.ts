import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { crc32, deflateRaw, gunzip } from 'node:zlib';
import type { OpenRoot } from '../../files/root.js';
import { unless } from '../../files/system.js';
import { maintenanceErrors } from '../../errors.js';

const [deflate, unzip] = [promisify(deflateRaw), promisify(gunzip)];

/** Rows on their way out: gzip of one JSON object a line. Every append is a gzip member of its own. */
export interface ArchiveFile {
  /** Its name when it is finished. */
  readonly name: string;
  /** Lines written. */
  readonly lines: number;
  /**
   * Resolves when the lines are on the disk and were read back.
   * @throws ARCHIVE_NOT_WRITTEN
   */
  append(lines: readonly string[]): Promise<void>;
  /** Gives it its name, with its SHA-256 beside it. Nothing, when nothing was appended. */
  finish(): Promise<void>;
  /** Lets go of it as it is, for {@link recoverArchives} to finish. */
  close(): Promise<void>;
}

const partial = '.partial';
const headerBytes = 24;

/**
 * A gzip member that says in its header how long it is (an extra field, which readers of gzip skip), so that a file can
 * be checked member by member after a crash.
 */
async function member(text: Buffer): Promise<Buffer> {
  const body = await deflate(text);
  const whole = Buffer.alloc(headerBytes + body.length + 8);
  // Magic, deflate, "has extra field", no time, no flags, unknown system; 12 bytes extra: "dm", 8 bytes long.
  Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 12, 0, 0x64, 0x6d, 8, 0]).copy(whole);
  whole.writeBigUInt64LE(BigInt(whole.length), 16);
  body.copy(whole, headerBytes);
  whole.writeUInt32LE(crc32(text), headerBytes + body.length);
  whole.writeUInt32LE(text.length >>> 0, headerBytes + body.length + 4);
  return whole;
}

/** An archive that is begun with its first line; only its owner may read it. */
export function archiveFile(root: OpenRoot, name: string): ArchiveFile {
  const hash = createHash('sha256');
  let file: FileHandle | undefined;
  let [size, count] = [0, 0];
  const begin = async (): Promise<FileHandle> => {
    const begun = await root.create(name + partial, 0o600);
    await root.sync();
    return begun;
  };
  return {
    name,
    get lines() {
      return count;
    },
    async append(lines) {
      const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const bytes = await member(text);
      try {
        file ??= await begin();
        await writeAt(file, bytes, size);
        await file.datasync();
        const back = await unzip(await readAt(file, size, bytes.length));
        if (!back.equals(text)) throw new Error('what was read back is not what was written');
      } catch (cause) {
        await file?.truncate(size).catch(() => undefined);
        throw maintenanceErrors.ARCHIVE_NOT_WRITTEN({ archive: name }, { cause });
      }
      hash.update(bytes);
      size += bytes.length;
      count += lines.length;
    },
    async finish() {
      const begun = file;
      file = undefined;
      if (begun) await finish(root, name, begun, hash);
    },
    async close() {
      const begun = file;
      file = undefined;
      await begun?.close();
    },
  };
}

async function finish(root: OpenRoot, name: string, file: FileHandle, hash: Hash): Promise<void> {
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await root.unlink(`${name}.sha256`).catch(unless('ENOENT'));
  const sums = await root.create(`${name}.sha256`, 0o600);
  await sums.writeFile(`${hash.digest('hex')}  ${name}\n`);
  await sums.sync();
  await sums.close();
  await root.replace(name + partial, name);
}

/**
 * Finishes archives that a killed process left: what is whole stays, a torn end, whose rows were not deleted, is cut off.
 * @returns their names
 */
export async function recoverArchives(root: OpenRoot, prefix: string): Promise<string[]> {
  const recovered: string[] = [];
  for await (const left of root.names()) {
    if (!left.startsWith(prefix) || !left.endsWith(`.ndjson.gz${partial}`)) continue;
    const facts = await root.facts(left);
    if (!facts || !root.isPlain(facts)) continue;
    const name = left.slice(0, -partial.length);
    const file = await root.openFile(left, 'change');
    const hash = createHash('sha256');
    const end = await wholeMembers(file, hash);
    await file.truncate(end);
    await finish(root, name, file, hash);
    recovered.push(name);
  }
  return recovered;
}

/** Where the last member ends that is whole. */
async function wholeMembers(file: FileHandle, hash: Hash): Promise<number> {
  const { size } = await file.stat();
  for (let at = 0; ;) {
    if (at + headerBytes > size) return at;
    const length = Number((await readAt(file, at, headerBytes)).readBigUInt64LE(16));
    if (length <= headerBytes || at + length > size) return at;
    const bytes = await readAt(file, at, length);
    if (!(await unzip(bytes).catch(() => null))) return at;
    hash.update(bytes);
    at += length;
  }
}

async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}
