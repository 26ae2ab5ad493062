import type { Clock } from '@dotmac/core';
import type { Facts } from './facts.js';
import { matchesPattern } from './pattern.js';
import { fileKey, flockWatch } from './proc.js';
import type { OpenRoot } from './root.js';
import { noRelief, type Relief } from './steps.js';
import { sweep, type Sweep, type SweepOutcome, type Swept } from './sweep.js';

/** The times by which a file is as young as it is. */
export type AgeBy = 'access' | 'modification' | 'change';

/** What is to go below a directory. */
export interface RoomRules {
  /** Files last used before it go. Epoch ms; absent: none for their age alone. */
  cutoff: number | undefined;
  /** The least recently used go until all files together take no more. Bytes on the disk. */
  maxBytes: number | undefined;
  /** The least recently used go until the disk has so much left, in bytes or as a share of all of it. */
  minFree: number | { share: number } | undefined;
  /** For the sake of room nothing goes that was used since. Epoch ms. */
  floor: number;
  ageBy: readonly AgeBy[];
  /** Patterns of names, or of paths below the directory: what matches stays, with all that is in it. */
  exclude: readonly string[];
  links: boolean;
}

/** What a directory holds, and what of it is to go. */
export interface Room {
  files: number;
  bytes: number;
  /** Files last used before it go. Epoch ms. */
  cutoff: number;
  /** Of the files of the second after the cutoff, so much goes as well. Bytes. */
  beyond: number;
  /** Room that was asked for and is not to be had: too much is younger than the floor, or stays. Bytes. */
  missing: number;
  /** What all files together are to take at most, so that there is as much room as was asked for. Bytes; may be below 0. */
  size: number;
}

/** When a file was last used. Epoch ms. */
function lastUse({ atimeMs, mtimeMs, ctimeMs }: Facts, ageBy: readonly AgeBy[]): number {
  const times = { access: atimeMs, modification: mtimeMs, change: ctimeMs };
  return Math.max(...ageBy.map((by) => times[by]));
}

const second = 1_000;
const everything = { most: () => Infinity, emptyGoes: () => false };

/** Looks at all of a directory, and reckons until when files have to go. Holds a figure for each second, no names. */
export async function measureRoom(
  root: OpenRoot,
  rules: RoomRules,
  { clock, signal, relief = noRelief, refused }: Pick<SweepContext, 'clock' | 'signal' | 'relief' | 'refused'>,
): Promise<Room> {
  const bySecond = new Map<number, number>();
  const total = { seen: 0, bytes: 0, old: 0 };
  const { cutoff = 0 } = rules;
  await sweep(root, {
    ...everything,
    ...sparing(rules, clock),
    links: rules.links,
    remove: false,
    signal,
    goes(facts) {
      const used = lastUse(facts, rules.ageBy);
      const key = Math.floor(used / second);
      total.bytes += facts.diskBytes;
      if (refused?.has(facts)) return false;
      if (used < cutoff) total.old += facts.diskBytes;
      else if (used < rules.floor) bySecond.set(key, (bySecond.get(key) ?? 0) + facts.diskBytes);
      return false;
    },
    async step({ seen }) {
      total.seen += seen;
      await relief();
      return true;
    },
  });
  const { freeBytes, totalBytes } = await root.space();
  const { minFree } = rules;
  const wanted = minFree === undefined ? 0 : typeof minFree === 'number' ? minFree : minFree.share * totalBytes;
  const size = Math.min(total.bytes + freeBytes - wanted, rules.maxBytes ?? Infinity);
  let need = total.bytes - size - total.old;
  const room: Room = { files: total.seen, bytes: total.bytes, cutoff, beyond: 0, missing: 0, size };
  for (const [key, bytes] of [...bySecond].sort(([one], [other]) => one - other)) {
    if (need <= 0) break;
    // All of the seconds before went; of this one as much as is needed.
    room.cutoff = Math.max(cutoff, key * second);
    room.beyond = Math.min(need, bytes);
    need -= bytes;
  }
  return { ...room, missing: Math.max(0, need) };
}

/** Files that the system refused to remove, and will refuse again: as many as can be remembered. */
export interface RefusedFiles {
  readonly count: number;
  has(facts: Facts): boolean;
  add(facts: Facts): void;
}

const mostRefused = 100_000;

/** @see RefusedFiles */
export function refusedFiles(): RefusedFiles {
  const keys = new Set<string>();
  const keyOf = ({ device, inode }: Facts): string => fileKey(device, inode);
  return {
    get count() {
      return keys.size;
    },
    has: (facts) => keys.size > 0 && keys.has(keyOf(facts)),
    add: (facts) => void (keys.size < mostRefused && keys.add(keyOf(facts))),
  };
}

/** What a sweep needs besides its rules. */
export interface SweepContext {
  clock: Clock;
  signal: AbortSignal;
  /** Between batches that are only looked at. Default: nothing is waited for. */
  relief?: Relief;
  /** After every batch; false ends the sweep. */
  step: Sweep['step'];
  /** How many may go in the next batch. */
  most(): number;
  /** They stay, and make no room; those that are refused are added. Default none. */
  refused?: RefusedFiles;
}

/** Removes what is to go, or only counts it: first all before the cutoff, then of the second after it as much as is needed. */
export async function clearRoom(
  root: OpenRoot,
  rules: RoomRules,
  room: Pick<Room, 'cutoff' | 'beyond'>,
  context: SweepContext,
  remove: boolean,
): Promise<SweepOutcome> {
  const { refused = refusedFiles(), ...given } = context;
  const job: Sweep = {
    ...sparing(rules, context.clock),
    ...given,
    links: rules.links,
    remove,
    refused: (facts) => refused.add(facts),
    goes: (facts) => lastUse(facts, rules.ageBy) < room.cutoff && !refused.has(facts),
    emptyGoes: ({ mtimeMs }) => mtimeMs < (rules.cutoff ?? room.cutoff),
  };
  const outcome = await sweep(root, job);
  if (room.beyond <= 0 || !outcome.complete) return outcome;
  const until = Math.min(room.cutoff + second, rules.floor);
  let [left, chosen] = [room.beyond, 0];
  const rest = await sweep(root, {
    ...job,
    goes(facts) {
      const used = lastUse(facts, rules.ageBy);
      if (left <= chosen || used < room.cutoff || used >= until || refused.has(facts)) return false;
      chosen += facts.diskBytes;
      return true;
    },
    // Those of the first sweep were counted then.
    step({ removed, bytes }: Swept, sample) {
      [left, chosen] = [left - bytes, 0];
      return context.step({ seen: 0, removed, bytes }, sample);
    },
  });
  return {
    ...rest,
    directoriesRemoved: outcome.directoriesRemoved + rest.directoriesRemoved,
    filesLeft: Math.max(outcome.filesLeft, rest.filesLeft),
  };
}

/** What stays whatever its age: what is excluded, and directories that somebody locked. */
function sparing({ exclude }: RoomRules, clock: Clock): Pick<Sweep, 'spared' | 'locked'> {
  return {
    spared: (path) => exclude.some((pattern) => matchesPattern(pattern, path) || matchesPattern(pattern, lastOf(path))),
    locked: flockWatch(clock),
  };
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
