import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { factsOf, isUnchanged, type Facts } from '../files/facts.js';
import type { OpenRoot } from '../files/root.js';
import { unless } from '../files/system.js';
import { isNameOf, TakenOverError } from '../files/taken-over.js';
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
   * policy's work: what changes meanwhile stays.
   * @returns how many files
   */
  sweep(): Promise<number>;
  /**
   * Makes a file of mode 0600 that must not be there yet, gives it to `fill`, and calls it `name` once it is on the disk.
   * @throws TakenOverError when others took it for that of a dead process meanwhile
   */
  create<Result>(name: string, fill: (file: FileHandle) => Promise<Result>): Promise<Result>;
  /** Writes a backup's manifest, over an earlier one. */
  writeManifest(id: string, content: Manifest): Promise<void>;
  /**
   * Reads a backup's file.
   * @throws BrokenDump when it is not there
   */
  openDump(backup: Manifest): Promise<FileHandle>;
  /** A path for a file in between, another each time, which `sweep` finds. */
  scratchFile(id: string): string;
  /**
   * Removes a backup that `list` gave, if it is as it was then: what was decided on it may not hold for what others made of it.
   * @returns how many bytes its file had; null when it stays
   */
  remove(backup: Backup): Promise<number | null>;
}

/** What a backup's files were when it was listed; null when there was no dump. */
interface Files {
  manifest: Facts;
  dump: Facts | null;
}

const areUnchanged = (one: Facts | null, other: Facts | null): boolean =>
  one && other ? isUnchanged(one, other) : one === other;

/** @see BackupDirectory */
export function backupDirectory(
  root: OpenRoot,
  { name: policy, directory }: { name: string; directory: string },
): BackupDirectory {
  const manifestName = (id: string): string => `${stemOf(policy, id)}.json`;
  const filesOf = new WeakMap<Backup, Files>();
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
        const manifestFile = factsOf(await file.stat({ bigint: true }));
        if (manifestFile.size > mostManifestBytes) return null;
        const content = manifest.parse(JSON.parse(await file.readFile('utf8')));
        // A manifest speaks of its own policy and of its own file alone: it might have been written by somebody else.
        if (content.policy !== policy || readName(policy, content.file)?.id !== id) return null;
        const dump = await root.facts(content.file);
        // Whoever removes a backup removes its manifest first.
        if (!(dump ? root.isPlain(dump) : await root.facts(manifestName(id)))) return null;
        const isBroken = dump?.size !== content.bytes;
        const broken = { state: 'broken', fault: dump ? otherFile : missingFile } as const;
        const backup: Backup = { ...content, id, ...(isBroken && broken) };
        filesOf.set(backup, { manifest: manifestFile, dump });
        return backup;
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
      if (!(await isNameOf(root, partial, file))) throw new TakenOverError();
      await root.replace(partial, name);
      return result;
    } catch (error) {
      await root.remove(partial, factsOf(await file.stat({ bigint: true }))).catch(() => undefined);
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
      const left = [];
      for (const { name, id, part } of all) {
        if (part === 'manifest' || (part === 'dump' && known.has(id))) continue;
        const facts = await root.facts(name);
        if (facts) left.push({ name, id, part, facts });
      }
      let removed = 0;
      for (const { name, id, part, facts } of left) {
        // Whoever is at it after all may have finished.
        if (part === 'dump' && (await root.facts(manifestName(id)))) continue;
        if (await root.remove(name, facts, isUnchanged)) removed += 1;
      }
      if (removed > 0) await root.sync();
      return removed;
    },
    create,
    writeManifest: (id, content) =>
      create(manifestName(id), (file) => file.writeFile(`${JSON.stringify(content, null, 2)}\n`)),
    async openDump({ file }) {
      const opened = await root.openFile(file).catch(unless('ENOENT'));
      if (!opened) throw new BrokenDump(missingFile);
      return opened;
    },
    scratchFile: (id) => join(directory, `${stemOf(policy, id)}.${randomBytes(4).toString('hex')}.scratch.partial`),
    async remove(backup) {
      const { id, file } = backup;
      const listed = filesOf.get(backup);
      if (!listed) throw new TypeError('A backup that is removed is one that was listed.');
      const { manifest: manifestFile, dump } = listed;
      if (!areUnchanged(await root.facts(file), dump)) return null;
      if (!(await root.remove(manifestName(id), manifestFile, isUnchanged))) return null;
      await root.sync();
      if (!dump || !(await root.remove(file, dump, isUnchanged))) return 0;
      await root.sync();
      return dump.size;
    },
  };
}
