import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { noRelief, type Relief } from '../files/steps.js';
import { bytesOf, measure } from './bytes.js';
import { decompressing, knowsCompression } from './compression.js';
import { otherFile } from './directory.js';
import type { Backup, Manifest } from './manifest.js';
import { BackupError } from './program.js';
import { BrokenDump, type Content, type TableCount } from './source.js';
import type { BackupWork } from './work.js';
import { withinTime } from './within-time.js';

/**
 * The bytes of a backup before compression. Throws {@link BrokenDump} when they are not whole; a disk that fails says nothing of
 * that.
 */
async function* contentOf(file: FileHandle, { compression }: Manifest): Content {
  const through = decompressing(compression);
  let unread: unknown;
  const source = Readable.from(bytesOf(file), { objectMode: false }).on('error', (error) => {
    unread = error;
    through.destroy(error);
  });
  try {
    yield* source.pipe(through) as AsyncIterable<Buffer>;
  } catch (error) {
    if (unread !== undefined) throw error;
    throw new BrokenDump('The file does not decompress.', { cause: error });
  } finally {
    source.destroy();
    through.destroy();
  }
}

/** The same, waiting in between while the application is under pressure. That it is cut short then says nothing of it. */
async function* unhurried(content: Content, relief: Relief): Content {
  for await (const chunk of content) {
    await relief();
    yield chunk;
  }
}

/**
 * Gives `work` the content of a backup whose file has the size and checksum of its manifest.
 * @throws BrokenDump when it has not, or is missing
 * @throws BackupError `version_mismatch` when this runtime does not know its compression
 */
export async function withContent<Result>(
  backup: Backup,
  { directory, signal, relief = noRelief }: Pick<BackupWork, 'directory' | 'signal' | 'relief'>,
  work: (content: Content) => Promise<Result>,
): Promise<Result> {
  if (!knowsCompression(backup.compression)) throw new BackupError('version_mismatch');
  const file = await directory.openDump(backup);
  try {
    const measured = measure();
    for await (const _ of measured.through(bytesOf(file))) {
      await relief();
      signal.throwIfAborted();
    }
    if (measured.size() !== backup.bytes || measured.sha256() !== backup.sha256) throw new BrokenDump(otherFile);
    return await work(unhurried(contentOf(file, backup), relief));
  } finally {
    await file.close();
  }
}

/** What differs between the tables of a manifest and those found; null when nothing does. */
function difference(expected: readonly TableCount[], found: readonly TableCount[]): string | null {
  const rows = new Map(found.map((it) => [it.name, it.rows]));
  for (const { name, rows: count } of expected) {
    const restored = rows.get(name);
    if (restored === undefined) return `the table ${name} is missing`;
    if (count !== null && restored !== null && restored !== count)
      return `the table ${name} has ${restored} rows instead of ${count}`;
    rows.delete(name);
  }
  const [more] = rows.keys();
  return more === undefined ? null : `there is a table ${more} that was not dumped`;
}

/**
 * Restores a backup where it hurts nobody, compares what is in it with its manifest, and writes the outcome there.
 * @returns the backup as it is known now: `verified`; `broken` when it is damaged; `unverified`, with a fault, when it
 * could not be tried
 */
export async function verifyBackup(work: BackupWork, backup: Backup): Promise<Backup> {
  const { directory, clock } = work;
  const { id, ...before } = backup;
  const outcome = await rehearse(work, backup).then(
    () => ({ state: 'verified' as const, verifiedAt: clock.now(), fault: null }),
    (error: unknown) => {
      work.signal.throwIfAborted();
      if (error instanceof BrokenDump) return { state: 'broken' as const, fault: error.message };
      if (error instanceof BackupError) return { state: before.state, fault: error.code };
      throw error;
    },
  );
  const after = { ...before, ...outcome };
  await directory.writeManifest(id, after);
  return { ...after, id };
}

async function rehearse(work: BackupWork, backup: Backup): Promise<void> {
  const { policy, directory, clock } = work;
  await withinTime(work, async (timed) => {
    const context = { clock, signal: timed.signal, scratchFile: directory.scratchFile(backup.id) };
    const found = await withContent(backup, { ...work, ...timed }, (content) =>
      policy.source.rehearse(context, content),
    );
    const differs = difference(backup.tables, found);
    if (differs !== null) throw new BrokenDump(`After restoring, ${differs}.`);
  });
}
