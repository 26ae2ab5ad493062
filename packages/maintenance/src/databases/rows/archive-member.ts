import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { crc32, deflateRaw, gunzip } from 'node:zlib';

const [deflate, unzip] = [promisify(deflateRaw), promisify(gunzip)];
const headerBytes = 24;

/** A gzip member in a file. */
export interface Member {
  /** Where it begins. */
  at: number;
  bytes: Buffer;
  text: string;
}

/**
 * A gzip member that says in its header how long it is (an extra field, which readers of gzip skip), so that a file can
 * be checked member by member after a crash.
 */
async function memberOf(text: Buffer): Promise<Buffer> {
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

/**
 * Writes a member there, to the disk, and reads it back.
 * @returns what was written
 */
export async function writeMember(file: FileHandle, at: number, text: string): Promise<Buffer> {
  const plain = Buffer.from(text);
  const bytes = await memberOf(plain);
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  await file.datasync();
  const back = await unzip(await readAt(file, at, bytes.length));
  if (!back.equals(plain)) throw new Error('what was read back is not what was written');
  return bytes;
}

/** The members that are whole, up to the first that is torn. */
export async function* membersOf(file: FileHandle): AsyncIterable<Member> {
  const { size } = await file.stat();
  for (let at = 0; at + headerBytes <= size;) {
    const length = Number((await readAt(file, at, headerBytes)).readBigUInt64LE(16));
    if (length <= headerBytes || at + length > size) return;
    const bytes = await readAt(file, at, length);
    const plain = await unzip(bytes).catch(() => null);
    if (!plain) return;
    yield { at, bytes, text: plain.toString() };
    at += length;
  }
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
