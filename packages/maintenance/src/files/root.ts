import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { distrust, factsOf, sameFile, type Facts } from './facts.js';
import { bytesOfName, nameOfBytes } from './names.js';
import { descriptorPath, mountOf, onLinux } from './proc.js';
import { errorCode, systemFiles, unless, type FileSystem } from './system.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_RDONLY, O_RDWR } = constants;
/** Of Linux: enough to pass through a directory whose contents this process may not list. */
const O_PATH = onLinux ? 0o10000000 : O_RDONLY;

/** Why something on the disk is left alone; never carries a path. */
export class UnsafePathError extends Error {
  override readonly name = 'UnsafePathError';
}

/**
 * An open directory. On Linux everything in it is reached through its descriptor (`/proc/self/fd/N/name`), so that no
 * renaming or linking on the way to it can lead elsewhere; other systems get the path, and the checks alone. A name
 * must be one component.
 */
export interface OpenRoot {
  /** The names in it, as they come. What is removed meanwhile may still come. */
  names(): AsyncIterable<string>;
  /** Null when there is no such name. */
  facts(name: string): Promise<Facts | null>;
  /** A regular file of this device with one name only: what may be worked on. */
  isPlain(facts: Facts): boolean;
  /**
   * Opens a regular file, checked after opening.
   * @throws UnsafePathError when it is a link, no regular file, on another device or mount, or has several names, or
   * another one than it was opened by
   */
  openFile(name: string, access?: 'read' | 'change'): Promise<FileHandle>;
  /** Makes a file that was not there, to write and to read. The mode is subject to the umask. */
  create(name: string, mode: number): Promise<FileHandle>;
  /**
   * Gives a file another name, never that of a file that is there, and durably: it has one of both names at any time.
   * @throws an error of code EEXIST when the name is taken
   */
  move(from: string, to: string): Promise<void>;
  /** Gives a file another name, and durably; what had that name goes. */
  replace(from: string, to: string): Promise<void>;
  unlink(name: string): Promise<void>;
  /**
   * Removes a name if it is that file's still, for names are given again: who was held up since it looked would remove what others
   * put there. Between the look and the removal is nothing but the one system call, and for that long it can be mistaken.
   * @param isStill what is to be true of both looks; default that it is one file
   * @returns false when it is another file's by now, or nobody's
   */
  remove(name: string, file: Facts, isStill?: (found: Facts, file: Facts) => boolean): Promise<boolean>;
  /**
   * Removes a directory that is empty, if the name is its still; fails on one that is not empty.
   * @returns false when it is another's by now, or nobody's
   */
  removeDirectory(name: string, directory: Facts): Promise<boolean>;
  /** A directory in it that is no link, on the same device and mount; null otherwise. Must be closed. */
  openDirectory(name: string): Promise<OpenRoot | null>;
  /** The room on its disk that this process may use, and all of it. Bytes. */
  space(): Promise<{ freeBytes: number; totalBytes: number }>;
  /** Makes renames and removals in it durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Options of {@link openRoot}. */
export interface RootOptions {
  /** Users, by number, who may own it and the directories above it, besides root and this process's. Default none. */
  owners?: readonly number[] | undefined;
  /** Others may own it, and write to it, as with temporary directories. Those above it are checked all the same. Default false. */
  shared?: boolean;
  /** Default the system's. */
  system?: FileSystem;
}

const withoutLinks = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK']);
const directoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Does something with what was opened; whoever throws closes it. */
async function closingOnError<Opened extends FileHandle, Result>(
  file: Opened,
  work: (file: Opened) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function oneComponent(name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes(sep) || name.includes('\0'))
    throw new UnsafePathError('a name has a separator in it');
  return name;
}

function within(base: string, name: string): string | Buffer {
  const bytes = bytesOfName(oneComponent(name));
  return typeof bytes === 'string' ? join(base, bytes) : Buffer.concat([Buffer.from(`${base}/`), bytes]);
}

/**
 * Opens a directory of the host's allow-list, refusing a link at any of its components, and directories on the way that
 * others could lead elsewhere.
 * @throws UnsafePathError when a component is a link or no directory, belongs to others, or can be written to by them
 * @returns null when the directory does not exist
 */
export async function openRoot(directory: string, options: RootOptions = {}): Promise<OpenRoot | null> {
  const { owners = [], shared = false, system = systemFiles } = options;
  const components = directory.split(sep).filter(Boolean);
  let path: string = sep;
  let handle = await system.open(sep, directoryFlags);
  for (const [index, component] of components.entries()) {
    const last = index === components.length - 1;
    const outer = handle;
    const place = within(onLinux ? descriptorPath(outer.fd) : path, component);
    path = join(path, component);
    try {
      handle = await system.open(place, last ? directoryFlags : directoryFlags | O_PATH);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null;
      if (errorCode(error) === 'ELOOP' || errorCode(error) === 'ENOTDIR')
        throw new UnsafePathError('a part of its path is a link or no directory');
      throw error;
    } finally {
      await outer.close();
    }
    await closingOnError(handle, async (it) => {
      const reason = last && shared ? undefined : distrust(factsOf(await it.stat({ bigint: true })), owners, last);
      if (reason !== undefined) throw new UnsafePathError(reason);
    });
  }
  return closingOnError(handle, (it) => rootOf(it, path, system));
}

async function rootOf(handle: FileHandle, path: string, system: FileSystem): Promise<OpenRoot> {
  const device = (await handle.stat({ bigint: true })).dev;
  const mount = await mountOf(handle.fd);
  const base = onLinux ? descriptorPath(handle.fd) : path;
  const at = (name: string): string | Buffer => within(base, name);
  const isPlain = (facts: Facts): boolean => facts.kind === 'file' && facts.device === device && facts.links === 1;
  const facts = async (name: string): Promise<Facts | null> => {
    const stat = await system.lstat(at(name), { bigint: true }).catch(unless('ENOENT'));
    return stat ? factsOf(stat) : null;
  };
  const create = (name: string, mode: number): Promise<FileHandle> =>
    system.open(at(name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  const sync = (): Promise<void> => handle.sync();
  const remove = async (name: string, file: Facts, isStill = sameFile): Promise<boolean> => {
    const found = await facts(name);
    if (!found || !isStill(found, file)) return false;
    return (await system.unlink(at(name)).then(() => true, unless('ENOENT'))) ?? false;
  };
  // For where there are no hard links, or none of a file of others: takes the name first, and renames onto that. It stays open,
  // so that nobody else's file is of its number.
  const renameOntoOwn = async (from: string, to: string): Promise<void> => {
    const own = await create(to, 0o600);
    try {
      const taken = factsOf(await own.stat({ bigint: true }));
      try {
        await system.rename(at(from), at(to));
      } catch (error) {
        await remove(to, taken).catch(() => undefined);
        throw error;
      }
    } finally {
      await own.close();
    }
  };
  const isHere = async (other: FileHandle, dev: bigint): Promise<boolean> =>
    dev === device && (await mountOf(other.fd)) === mount;

  return {
    async *names() {
      // A buffer each, whatever the types say.
      const entries = await system.opendir(base, { encoding: 'buffer' as BufferEncoding, bufferSize: 128 });
      for await (const { name } of entries) yield nameOfBytes(name as unknown as Buffer);
    },
    facts,
    isPlain,
    async openFile(name, access = 'read') {
      // Not blocking: opening a FIFO would wait for its writer.
      const flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | (access === 'read' ? O_RDONLY : O_RDWR);
      const file = await system.open(at(name), flags).catch((error: unknown) => {
        if (errorCode(error) === 'ELOOP') throw new UnsafePathError('a file became a link');
        throw error;
      });
      return closingOnError(file, async () => {
        const found = factsOf(await file.stat({ bigint: true }));
        if (!isPlain(found) || !(await isHere(file, found.device)))
          throw new UnsafePathError('not a regular file with one link on the device of its directory');
        // Its one link may be elsewhere: what was opened by a second one is left with the first when that is removed.
        const named = await facts(name);
        if (named && isPlain(named) && sameFile(named, found)) return file;
        throw new UnsafePathError('a file was given another name');
      });
    },
    create,
    async move(from, to) {
      try {
        // Linking fails on a name that is taken, where renaming would replace it.
        await system.link(at(from), at(to));
      } catch (error) {
        if (!withoutLinks.has(errorCode(error) ?? '')) throw error;
        await renameOntoOwn(from, to);
        return sync();
      }
      await sync();
      const moved = await facts(to);
      // Somebody else may have put another file in its place meanwhile.
      if (moved) await remove(from, moved);
      await sync();
    },
    async replace(from, to) {
      await system.rename(at(from), at(to));
      await sync();
    },
    unlink: (name) => system.unlink(at(name)),
    remove,
    async removeDirectory(name, directory) {
      const found = await facts(name);
      if (!found || !sameFile(found, directory)) return false;
      await system.rmdir(at(name));
      return true;
    },
    async openDirectory(name) {
      const inner = await system.open(at(name), directoryFlags).catch(unless('ENOENT', 'ELOOP', 'ENOTDIR', 'EACCES'));
      if (!inner) return null;
      return closingOnError(inner, async () => {
        const { dev } = await inner.stat({ bigint: true });
        if (await isHere(inner, dev)) return rootOf(inner, join(path, name), system);
        await inner.close();
        return null;
      });
    },
    async space() {
      const { bavail, blocks, bsize } = await system.statfs(base);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    },
    sync,
    close: () => handle.close(),
  };
}
