import type { BigIntStats } from 'node:fs';

/** What is known of something in a directory, without opening it. */
export interface Facts {
  kind: 'file' | 'directory' | 'link' | 'other';
  device: bigint;
  inode: bigint;
  /** Names that it has. */
  links: number;
  /** Bytes to be read from it. */
  size: number;
  /** Bytes that it takes on the disk: less than its size when it has holes. */
  diskBytes: number;
  mode: number;
  uid: number;
  gid: number;
  /** Epoch ms. */
  atimeMs: number;
  mtimeMs: number;
  ctimeMs: number;
}

/** @see Facts */
export function factsOf(stat: BigIntStats): Facts {
  return {
    kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'link' : 'other',
    device: stat.dev,
    inode: stat.ino,
    links: Number(stat.nlink),
    size: Number(stat.size),
    diskBytes: Number(stat.blocks) * 512,
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    atimeMs: Number(stat.atimeMs),
    mtimeMs: Number(stat.mtimeMs),
    ctimeMs: Number(stat.ctimeMs),
  };
}

/** Are they one file, under two names or at two times? */
export const sameFile = (one: Facts, other: Facts): boolean => one.inode === other.inode && one.device === other.device;

/** Are they one file that nobody changed between two times? By its times as well, for numbers of files are given again. */
export const isUnchanged = (one: Facts, other: Facts): boolean =>
  sameFile(one, other) && one.mtimeMs === other.mtimeMs && one.ctimeMs === other.ctimeMs;

/** Are they one file that nobody used between two times? */
export const isUntouched = (one: Facts, other: Facts): boolean =>
  isUnchanged(one, other) && one.atimeMs === other.atimeMs;

const [othersMayWrite, groupMayWrite, sticky] = [0o002, 0o020, 0o1000];

/**
 * Why a directory on the way to files cannot be trusted: whoever owns it, or may write to it, decides what its names
 * lead to. Undefined when it can.
 * @param owners users that are trusted besides root and the one of this process
 * @param own the directory itself that is worked in, and not one above it: nobody else's files may lie in it
 */
export function distrust(
  { mode, uid, gid }: Pick<Facts, 'mode' | 'uid' | 'gid'>,
  owners: readonly number[],
  own: boolean,
): string | undefined {
  const user = process.geteuid?.();
  // Windows has no such owners and modes.
  if (user === undefined) return undefined;
  if (uid !== 0 && uid !== user && !owners.includes(uid))
    return 'a directory on its path belongs to somebody else (see the policy’s `owners`)';
  if ((mode & othersMayWrite) !== 0 && (own || (mode & sticky) === 0))
    return 'a directory on its path may be written to by everybody';
  if (own && (mode & groupMayWrite) !== 0 && gid !== 0 && gid !== process.getegid?.())
    return 'its group may write to it';
  return undefined;
}
