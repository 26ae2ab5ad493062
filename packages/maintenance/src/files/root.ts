import { constants } from 'node:fs';
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_RDONLY } = constants;

/** Why something on the disk is left alone; never carries a path. */
export class UnsafePathError extends Error {
  override readonly name = 'UnsafePathError';
}

/** What is known of a regular file that may be worked on. */
export interface FileFacts {
  size: number;
  mode: number;
  /** Epoch ms, the times of access, change and modification. */
  atimeMs: number;
  mtimeMs: number;
}

/**
 * An open directory. On Linux everything in it is reached through its descriptor (`/proc/self/fd/N/name`), so that no
 * renaming or linking on the way to it can lead elsewhere; other systems get the path, and the checks alone.
 */
export interface OpenRoot {
  /** Where `name`, which must be one component, is reached. */
  at(name: string): string;
  names(): Promise<string[]>;
  /** The facts of a regular file of this device with one link only; null for everything else, or nothing. */
  fileFacts(name: string): Promise<FileFacts | null>;
  /**
   * Opens a regular file for reading, checked after opening.
   * @throws UnsafePathError when it is a link, no regular file, on another device or has several links
   */
  openFile(name: string): Promise<FileHandle>;
  /** A directory in it that is no link and on the same device; null otherwise. Must be closed. */
  openDirectory(name: string): Promise<OpenRoot | null>;
  /** Makes renames and removals in it durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

const procFd = process.platform === 'linux' ? '/proc/self/fd' : undefined;
const directoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

function oneComponent(name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes(sep) || name.includes('\0'))
    throw new UnsafePathError('a name has a separator in it');
  return name;
}

/**
 * Opens a directory of the host's allow-list, refusing a link at any of its components.
 * @throws UnsafePathError when a component is a link or no directory
 * @returns null when the directory does not exist
 */
export async function openRoot(directory: string): Promise<OpenRoot | null> {
  const components = directory.split(sep).filter(Boolean);
  let path: string = sep;
  let handle = await open(sep, directoryFlags);
  for (const component of components) {
    path = join(path, component);
    const outer = handle;
    try {
      handle = await open(procFd ? `${procFd}/${outer.fd}/${component}` : path, directoryFlags);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return null;
      if (code === 'ELOOP' || code === 'ENOTDIR')
        throw new UnsafePathError('a part of its path is a link or no directory');
      throw error;
    } finally {
      await outer.close();
    }
  }
  return rootOf(handle, path, (await handle.stat()).dev);
}

function rootOf(handle: FileHandle, path: string, device: number): OpenRoot {
  const at = (name: string): string => join(procFd ? `${procFd}/${handle.fd}` : path, oneComponent(name));
  return {
    at,
    names: () => readdir(procFd ? `${procFd}/${handle.fd}` : path),
    async fileFacts(name) {
      const stat = await lstat(at(name)).catch(() => null);
      return stat?.isFile() && stat.dev === device && stat.nlink === 1 ? stat : null;
    },
    async openFile(name) {
      // Not blocking: opening a FIFO would wait for its writer.
      const file = await open(at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
      const stat = await file.stat();
      if (stat.isFile() && stat.dev === device && stat.nlink === 1) return file;
      await file.close();
      throw new UnsafePathError('not a regular file with one link on the device of its directory');
    },
    async openDirectory(name) {
      const inner = await open(at(name), directoryFlags).catch(() => null);
      if (!inner) return null;
      if ((await inner.stat()).dev === device) return rootOf(inner, join(path, name), device);
      await inner.close();
      return null;
    },
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
