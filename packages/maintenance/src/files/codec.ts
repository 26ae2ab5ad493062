import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

/** How rotated files are compressed. */
export type CodecName = 'gzip' | 'zstd';

/** A format in which parts compressed one by one make one file when they stand one after another. */
export interface Codec {
  /** What is appended to a file's name. */
  suffix: string;
  pack(part: Buffer, level: number): Promise<Buffer>;
  unpack(part: Buffer, mostBytes: number): Promise<Buffer>;
  /**
   * Unpacks a file of any number of parts. That of zstd ends early in Node 22, and without an error, after a part that was added
   * late and where a file is cut off: there may be more in a file than it gives.
   */
  unpacking(): Transform;
  levels: { least: number; most: number; default: number };
}

/** The part of newer runtimes that this one's types do not know. */
interface Zstandard {
  zstdCompress: (part: Buffer, options: object, done: (error: Error | null, packed: Buffer) => void) => void;
  zstdDecompress: Zstandard['zstdCompress'];
  createZstdDecompress: () => Transform;
  constants: { ZSTD_c_compressionLevel: number };
}

const gzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip);
const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip);
// Each chunk of output is a callback: few large ones leave the event loop to others.
const chunkSize = 256 * 1024;

const gzipCodec: Codec = {
  suffix: '.gz',
  pack: (part, level) => gzip(part, { level, chunkSize }),
  unpack: (part, maxOutputLength) => gunzip(part, { maxOutputLength, chunkSize }),
  unpacking: () => zlib.createGunzip({ chunkSize }),
  levels: { least: 1, most: 9, default: 6 },
};

function zstdCodec(): Codec | null {
  const { zstdCompress, zstdDecompress, createZstdDecompress, constants } = zlib as unknown as Zstandard;
  if (typeof zstdCompress !== 'function') return null;
  const [pack, unpack] = [promisify(zstdCompress), promisify(zstdDecompress)];
  return {
    suffix: '.zst',
    pack: (part, level) => pack(part, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } }),
    unpack: (part, maxOutputLength) => unpack(part, { maxOutputLength, chunkSize }),
    unpacking: () => createZstdDecompress(),
    levels: { least: 1, most: 19, default: 3 },
  };
}

/** The formats that this runtime has: zstd since Node 22.15 and 23.8. */
export const codecs: Readonly<Record<CodecName, Codec | null>> = { gzip: gzipCodec, zstd: zstdCodec() };

/** Suffixes of all formats, of this runtime or not. */
export const packedSuffixes = ['.gz', '.zst'] as const;

/** The codec of a packed file's suffix; null when this runtime cannot read it. */
export const codecOf = (suffix: string): Codec | null =>
  Object.values(codecs).find((codec) => codec?.suffix === suffix) ?? null;
