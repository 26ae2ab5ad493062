import { fileKey, openForWriting } from '../files/proc.js';
import type { Codec } from '../files/codec.js';
import type { OpenRoot } from '../files/root.js';
import type { CheckedLog } from '../policies/check-log.js';
import { listLogs, type LogDirectory } from './log-directory.js';
import {
  byLog,
  dueFor,
  expired,
  packable,
  surplus,
  type DueRules,
  type KeepRules,
  type LogFile,
  type RotatedFile,
} from './rules.js';
import { readState, type RotationState } from './state.js';

/** What a policy's logs are to go through, as the policy and the request have it. */
export interface RotationOrders {
  due: DueRules;
  keep: Omit<KeepRules, 'minFreeBytes'>;
  compress: { codec: Codec; level: number; delay: number } | null;
}

/** What a run would do. */
export interface RotationForecast {
  found: LogDirectory;
  rotate: LogFile[];
  compress: RotatedFile[];
  expire: RotatedFile[];
  makeRoom: RotatedFile[];
  /** False when what is removed for room depends on how small the compressed files come out. */
  exact: boolean;
}

/** The logs that are due, and what is known of all. */
export async function dueLogs(
  root: OpenRoot,
  policy: CheckedLog,
  { due }: RotationOrders,
): Promise<{ found: LogDirectory; rotate: LogFile[]; state: RotationState; damaged: boolean }> {
  const found = await listLogs(root, policy);
  const { damaged, ...state } = await readState(root);
  const rotated = byLog(found.rotated);
  const since = ({ name }: LogFile): number | undefined =>
    knownSince(state, name, due.asOf) ?? lastWritten(rotated.get(name) ?? [], due.asOf);
  return { found, state, damaged, rotate: found.logs.filter((log) => dueFor(log, due, since(log)) !== null) };
}

/** A time far ahead was told by a clock that was wrong. */
const isPlausible = (at: number, asOf: number): boolean => at <= asOf + 86_400_000;

/** When a log was last rotated or first seen, as the state has it. Epoch ms; undefined when that cannot be. */
export function knownSince({ since }: RotationState, log: string, asOf: number): number | undefined {
  const known = Object.hasOwn(since, log) ? since[log] : undefined;
  return known !== undefined && isPlausible(known, asOf) ? known : undefined;
}

/** When the youngest of a log's rotated files was written. Epoch ms; undefined when there is none. */
function lastWritten(rotated: readonly RotatedFile[], asOf: number): number | undefined {
  let last: number | undefined;
  for (const { facts } of rotated)
    if (isPlausible(facts.mtimeMs, asOf)) last = Math.max(last ?? -Infinity, facts.mtimeMs);
  return last;
}

/** What is to be left free, in bytes of this disk. */
export const freeTarget = async (root: OpenRoot, { minFreePercent }: CheckedLog): Promise<number> =>
  minFreePercent === 0 ? 0 : ((await root.space()).totalBytes * minFreePercent) / 100;

/** The files that no process has open for writing, as far as can be known. */
export async function quiet<File extends LogFile>(files: readonly File[]): Promise<File[]> {
  const key = ({ facts }: LogFile): string => fileKey(facts.device, facts.inode);
  const open = await openForWriting(new Set(files.map(key)));
  return files.filter((file) => !open.has(key(file)));
}

/** What a run would do now. Reads names and facts, no contents; changes nothing. */
export async function forecastRotation(
  root: OpenRoot,
  policy: CheckedLog,
  orders: RotationOrders,
): Promise<RotationForecast> {
  const { found, rotate } = await dueLogs(root, policy, orders);
  const moved = rotate.map((log): RotatedFile => ({ ...log, log: log.name, rank: -Infinity, suffix: '' }));
  const all = [...moved, ...found.rotated];
  const going = new Set(expired(all, orders.keep));
  const kept = all.filter((file) => !going.has(file));
  const candidates = orders.compress ? packable(kept, orders.compress.delay) : [];
  // Who is told opens the log anew: what was just rotated is quiet by then.
  const isMoved = new Set(moved);
  const told =
    typeof policy.reopen === 'function' || policy.method === 'copytruncate'
      ? candidates.filter((it) => isMoved.has(it))
      : [];
  const isTold = new Set(told);
  const compress = [...told, ...(await quiet(candidates.filter((it) => !isTold.has(it))))];
  const minFreeBytes = await freeTarget(root, policy);
  const returned = [...going].reduce((sum, { facts }) => sum + facts.diskBytes, 0);
  const free = (await root.space()).freeBytes + returned;
  const makeRoom = surplus(kept, { ...orders.keep, minFreeBytes }, free);
  const limited = orders.keep.maxBytes !== undefined || minFreeBytes > 0;
  return { found, rotate, compress, expire: [...going], makeRoom, exact: !limited || compress.length === 0 };
}
