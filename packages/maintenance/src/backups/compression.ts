import type { Transform } from 'node:stream';
import { PassThrough } from 'node:stream';
import * as zlib from 'node:zlib';

/** How a backup is compressed. `zstd` needs Node 22.15 or 23.8. */
export type BackupCompression = 'gzip' | 'zstd' | 'none';

/** What the file's name ends in. */
export const compressionSuffix: Record<BackupCompression, string> = { gzip: '.gz', zstd: '.zst', none: '' };

/** Newer runtimes alone have it, and the types of the oldest do not know it. */
const zstd = zlib as { createZstdCompress?: () => Transform; createZstdDecompress?: () => Transform };

/** Can this runtime read and write it? */
export function knowsCompression(compression: BackupCompression): boolean {
  return compression !== 'zstd' || zstd.createZstdCompress !== undefined;
}

/** Compresses what passes. */
export function compressing(compression: BackupCompression): Transform {
  if (compression === 'gzip') return zlib.createGzip({ level: 6 });
  return compression === 'zstd' ? (zstd.createZstdCompress?.() ?? unknown()) : new PassThrough();
}

/**
 * Undoes {@link compressing}; ends in an error when the bytes are not whole, but for zstd in Node 22: size and checksum are to
 * be looked at before.
 */
export function decompressing(compression: BackupCompression): Transform {
  if (compression === 'gzip') return zlib.createGunzip();
  return compression === 'zstd' ? (zstd.createZstdDecompress?.() ?? unknown()) : new PassThrough();
}

function unknown(): never {
  throw new Error('This runtime has no zstd.');
}
