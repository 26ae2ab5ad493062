import type { Facts } from '../files/facts.js';
import type { RotatedName } from './naming.js';
import { periodOf, type Period } from './periods.js';

/** When a log is rotated. */
export interface DueRules {
  maxBytes: number | undefined;
  minBytes: number;
  /** Epoch ms: logs last written before it. */
  cutoff: number | undefined;
  every: Period | undefined;
  timeZone: string;
  rotateEmpty: boolean;
  /** Epoch ms. */
  asOf: number;
}

/** A log that is written to. */
export interface LogFile {
  name: string;
  facts: Facts;
}

/** A file that was a log. */
export type RotatedFile = RotatedName & LogFile;

/**
 * Why a log is to be rotated; null when it is not.
 * @param since when it was last rotated, or first seen. Epoch ms
 */
export function dueFor({ facts }: LogFile, rules: DueRules, since: number | undefined): 'size' | 'age' | 'time' | null {
  const { maxBytes, minBytes, cutoff, every, timeZone, rotateEmpty, asOf } = rules;
  if (facts.size === 0 && !rotateEmpty) return null;
  if (maxBytes !== undefined && facts.size > maxBytes) return 'size';
  if (facts.size < minBytes) return null;
  if (cutoff !== undefined && facts.size > 0 && facts.mtimeMs < cutoff) return 'age';
  if (every === undefined || since === undefined || since >= asOf) return null;
  return periodOf(every, since, timeZone) === periodOf(every, asOf, timeZone) ? null : 'time';
}

/** What is kept of the rotated files. */
export interface KeepRules {
  /** Epoch ms: those last written before it go. */
  cutoff: number | undefined;
  /** Of each log. */
  files: number | undefined;
  /** Of all together, on the disk. */
  maxBytes: number | undefined;
  /** That the disk is to have left. */
  minFreeBytes: number | undefined;
}

const oldestFirst = (one: RotatedFile, other: RotatedFile): number =>
  one.facts.mtimeMs - other.facts.mtimeMs || other.rank - one.rank;

/** Rotated files by the log that they were: there may be thousands of both. */
export function byLog<File extends { log: string }>(files: readonly File[]): Map<string, File[]> {
  const found = new Map<string, File[]>();
  for (const file of files) {
    const known = found.get(file.log);
    if (known) known.push(file);
    else found.set(file.log, [file]);
  }
  return found;
}

/** How many ranks of its log are younger than each file. */
function younger(files: readonly RotatedFile[]): Map<RotatedFile, number> {
  const places = new Map<string, Map<number, number>>();
  for (const [log, ofLog] of byLog(files)) {
    const ranks = new Set(ofLog.map(({ rank }) => rank));
    places.set(log, new Map([...ranks].sort((one, other) => one - other).map((rank, place) => [rank, place])));
  }
  return new Map(files.map((file) => [file, places.get(file.log)?.get(file.rank) ?? 0]));
}

/** Those that go for their age or number, the oldest first. */
export function expired(
  files: readonly RotatedFile[],
  { cutoff = -Infinity, files: most = Infinity }: Pick<KeepRules, 'cutoff' | 'files'>,
): RotatedFile[] {
  const before = younger(files);
  return files.filter((file) => file.facts.mtimeMs < cutoff || (before.get(file) ?? 0) >= most).sort(oldestFirst);
}

/** Those that go for the sake of room, the oldest first. */
export function surplus(
  files: readonly RotatedFile[],
  { maxBytes = Infinity, minFreeBytes = 0 }: Pick<KeepRules, 'maxBytes' | 'minFreeBytes'>,
  freeBytes: number,
): RotatedFile[] {
  let total = files.reduce((sum, { facts }) => sum + facts.diskBytes, 0);
  let free = freeBytes;
  return [...files].sort(oldestFirst).filter(({ facts }) => {
    if (total <= maxBytes && free >= minFreeBytes) return false;
    total -= facts.diskBytes;
    free += facts.diskBytes;
    return true;
  });
}

/** Those to be compressed: plain ones, but for so many of the youngest of each log. */
export function packable(files: readonly RotatedFile[], delay: number): RotatedFile[] {
  const before = younger(files);
  return files.filter((file) => file.suffix === '' && (before.get(file) ?? 0) >= delay).sort(oldestFirst);
}
