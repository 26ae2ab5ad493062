import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenRoot } from '../files/root.js';
import { unless } from '../files/system.js';
import { manifest, readName, stemOf, type Backup, type Manifest } from './manifest.js';
import { BrokenDump } from './source.js';

const mostManifestBytes = 64 * 1024 * 1024;
const missingFile = 'The file is missing.';

/** What is said of a file that has not the size or the checksum of its manifest. */
export const otherFile = 'The file is not the one that was written.';

/** The backups of one policy in its directory. A backup is there once its manifest is: that comes last, and goes first. */
export interface BackupDirectory {
  /**
   * Newest first. One whose file is missing or of another size is `broken`, whatever its manifest says. Manifests that cannot
   * be read, or whose file is a link or the like, count as no backup.
   */
  list(): Promise<Backup[]>;
  /**
   * Removes what dead processes left: partial files, and dumps without a manifest. Nobody else may be at this
   * policy's work.
   * @returns how many files
   */
  sweep(): Promise<number>;
  /** Makes a file of mode 0600 that must not be there yet, gives it to `fill`, and calls it `name` once it is on the disk. */
  create<Result>(name: string, fill: (file: FileHandle) => Promise<Result>): Promise<Result>;
  /** Writes a backup's manifest, over an earlier one. */
  writeManifest(id: string, content: Manifest): Promise<void>;
  /**
   * Reads a backup's file.
   * @throws BrokenDump when it is not there
   */
  openDump(backup: Manifest): Promise<FileHandle>;
  /** The path for a file in between, which `sweep` finds. */
  scratchFile(id: string): string;
  /** @returns how many bytes its file had */
  remove(backup: Backup): Promise<number>;
}

/** @see BackupDirectory */
export function backupDirectory(
  root: OpenRoot,
  { name: policy, directory }: { name: string; directory: string },
): BackupDirectory {
  const manifestName = (id: string): string => `${stemOf(policy, id)}.json`;
  const own = async () => {
    const found = [];
    for await (const name of root.names()) {
      const read = readName(policy, name);
      if (read) found.push({ name, ...read });
    }
    return found;
  };
  const readManifest = async (id: string): Promise<Backup | null> => {
    try {
      const file = await root.openFile(manifestName(id));
      try {
        if ((await file.stat()).size > mostManifestBytes) return null;
        const content = manifest.parse(JSON.parse(await file.readFile('utf8')));
        // A manifest speaks of its own policy and of its own file alone: it might have been written by somebody else.
        if (content.policy !== policy || readName(policy, content.file)?.id !== id) return null;
        const dump = await root.facts(content.file);
        if (dump?.size === content.bytes) return root.isPlain(dump) ? { ...content, id } : null;
        // Whoever removes a backup removes its manifest first.
        if (!(dump ? root.isPlain(dump) : await root.facts(manifestName(id)))) return null;
        return { ...content, id, state: 'broken', fault: dump ? otherFile : missingFile };
      } finally {
        await file.close();
      }
    } catch {
      return null;
    }
  };
  const create: BackupDirectory['create'] = async (name, fill) => {
    const partial = `${name}.partial`;
    const file = await root.create(partial, 0o600);
    try {
      const result = await fill(file);
      await file.sync();
      await root.replace(partial, name);
      return result;
    } catch (error) {
      await root.unlink(partial).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
  };

  return {
    async list() {
      const found: Backup[] = [];
      for (const { id, part } of await own()) {
        const backup = part === 'manifest' ? await readManifest(id) : null;
        if (backup) found.push(backup);
      }
      return found.sort((a, b) => (a.id < b.id ? 1 : -1));
    },
    async sweep() {
      const all = await own();
      const known = new Set(all.filter(({ part }) => part === 'manifest').map(({ id }) => id));
      const left = all.filter(({ id, part }) => part === 'partial' || (part === 'dump' && !known.has(id)));
      for (const { name } of left) await root.unlink(name);
      if (left.length > 0) await root.sync();
      return left.length;
    },
    create,
    writeManifest: (id, content) =>
      create(manifestName(id), (file) => file.writeFile(`${JSON.stringify(content, null, 2)}\n`)),
    async openDump({ file }) {
      const opened = await root.openFile(file).catch(unless('ENOENT'));
      if (!opened) throw new BrokenDump(missingFile);
      return opened;
    },
    scratchFile: (id) => join(directory, `${stemOf(policy, id)}.scratch.partial`),
    async remove({ id, file }) {
      await root.unlink(manifestName(id));
      await root.sync();
      const dump = await root.facts(file);
      if (!dump) return 0;
      await root.unlink(file);
      await root.sync();
      return dump.size;
    },
  };
}
