import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { OpenRoot } from '../../files/root.js';
import { unless } from '../../files/system.js';
import { maintenanceErrors } from '../../errors.js';
import { writeMember } from './archive-member.js';
import type { Position } from './selection.js';

/** Rows that were written to an archive, and of which nobody knows yet whether they were deleted. */
export interface PendingRows {
  /** Whose rows they are: the table and its key, as {@link PendingRows.keys} have it. */
  from: string;
  keys: readonly Position[];
  /** One JSON object a row, in the same order. */
  lines: readonly string[];
}

/**
 * Rows on their way out: gzip of one JSON object a line. Every append is a gzip member of its own, with the keys of its rows in
 * a file beside it: until the next one they say of which rows a killed process did not know whether they were deleted.
 */
export interface ArchiveFile {
  /** Its name when it is finished. */
  readonly name: string;
  /** Lines that stay. */
  readonly lines: number;
  /** What was appended last, until {@link ArchiveFile.keep} or {@link ArchiveFile.drop}. */
  readonly pending: PendingRows | null;
  /**
   * Resolves when the lines are on the disk and were read back.
   * @throws ARCHIVE_NOT_WRITTEN
   */
  append(rows: PendingRows): Promise<void>;
  /** What was appended last was deleted from the table. */
  keep(): void;
  /** It was not: the lines go. */
  drop(): Promise<void>;
  /** Gives it its name, with its SHA-256 beside it. No file stays when no line does. Not while something is pending. */
  finish(): Promise<void>;
  /** Lets go of it as it is, for `recoverArchives` to finish. */
  close(): Promise<void>;
}

/** What an archive is called until it is finished. */
export const partial = '.partial';
/** And the keys of what was written last. */
export const keysOf = (name: string): string => `${name}.keys`;

/** An archive that is begun with its first line; only its owner may read it. */
export function archiveFile(root: OpenRoot, name: string): ArchiveFile {
  const hash = createHash('sha256');
  const open: FileHandle[] = [];
  let files: { keys: FileHandle; data: FileHandle } | undefined;
  let [size, count] = [0, 0];
  let last: { rows: PendingRows; bytes: Buffer } | null = null;
  const create = async (called: string): Promise<FileHandle> => {
    const file = await root.create(called, 0o600);
    open.push(file);
    return file;
  };
  const begin = async () => {
    const begun = { keys: await create(keysOf(name)), data: await create(name + partial) };
    await root.sync();
    return begun;
  };
  const close = async (): Promise<void> => {
    files = undefined;
    for (const file of open.splice(0)) await file.close();
  };
  return {
    name,
    get lines() {
      return count;
    },
    get pending() {
      return last?.rows ?? null;
    },
    async append(rows) {
      try {
        files ??= await begin();
        // First the keys: lines without them would be taken for those of rows that are gone.
        await writeMember(files.keys, 0, JSON.stringify({ at: size, from: rows.from, keys: rows.keys }));
        const bytes = await writeMember(files.data, size, rows.lines.map((line) => `${line}\n`).join(''));
        last = { rows, bytes };
      } catch (cause) {
        await files?.data.truncate(size).catch(() => undefined);
        throw maintenanceErrors.ARCHIVE_NOT_WRITTEN({ archive: name }, { cause });
      }
    },
    keep() {
      if (!last) return;
      hash.update(last.bytes);
      size += last.bytes.length;
      count += last.rows.lines.length;
      last = null;
    },
    async drop() {
      await files?.data.truncate(size);
      last = null;
    },
    async finish() {
      if (!files) return close();
      if (last) throw new TypeError('An archive is finished when it is known what belongs to it.');
      try {
        // An append that failed may have left something behind, even if it could not take it back then.
        await files.data.truncate(size);
        await files.data.sync();
      } finally {
        await close();
      }
      if (count > 0) await publish(root, name, name + partial, hash.digest('hex'));
      else await root.unlink(name + partial);
      await root.unlink(keysOf(name));
      await root.sync();
    },
    close,
  };
}

/** Gives a whole archive its name, after its sum. */
export async function publish(root: OpenRoot, name: string, from: string, sha256: string): Promise<void> {
  await root.unlink(`${name}.sha256`).catch(unless('ENOENT'));
  const sums = await root.create(`${name}.sha256`, 0o600);
  try {
    await sums.writeFile(`${sha256}  ${name}\n`);
    await sums.sync();
  } finally {
    await sums.close();
  }
  await root.replace(from, name);
}
