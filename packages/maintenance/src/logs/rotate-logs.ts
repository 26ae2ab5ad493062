import { isOperationError } from '@dotmac/core';
import { compressFile } from '../files/compress.js';
import { matchesPattern } from '../files/pattern.js';
import type { OpenRoot } from '../files/root.js';
import { noRelief } from '../files/steps.js';
import type { CheckedLog } from '../policies/check-log.js';
import { shownName } from '../files/names.js';
import { listLogs, type LogDirectory } from './log-directory.js';
import { createLog, moveLog, takenNames } from './move-log.js';
import { dueLogs, freeTarget, knownSince, quiet, type RotationOrders } from './orders.js';
import { createPatience } from './patience.js';
import { recoverLogs } from './recover.js';
import { reopenLogs } from './reopen.js';
import { expired, packable, surplus, type LogFile, type RotatedFile } from './rules.js';
import {
  attempt,
  isOver,
  type RotationContext,
  type RotationCounts,
  type RotationFault,
  type RotationPart,
  type Work,
} from './rotation-work.js';
import { writeState, type RotationState } from './state.js';

/**
 * Recovers, rotates, tells the writers, deletes what is too old, compresses, and deletes for room, in that order. What
 * goes wrong with one file or hook leaves that file as it is, and the others are worked on.
 */
export async function rotateLogs(
  root: OpenRoot,
  policy: CheckedLog,
  orders: RotationOrders,
  context: RotationContext,
): Promise<{ counts: RotationCounts; faults: RotationFault[] }> {
  const counts = { seen: 0, rotated: 0, compressed: 0, deleted: 0, growing: 0, bytesFreed: 0, odd: 0 };
  const patience = createPatience(context);
  const work: Work = {
    ...{ root, policy, orders, context, counts, patience },
    ...{ faults: [], leftOut: new Map(), ended: false, untold: false, taken: 0 },
  };
  try {
    await rotateParts(work);
  } finally {
    patience.close();
  }
  for (const [what, calls] of work.leftOut)
    context.note(`Calls of the hook ${what} of ${policy.name} left out, for the run was to end: ${calls}.`);
  return { counts, faults: work.faults };
}

async function rotateParts(work: Work): Promise<void> {
  const { root, policy, orders, context } = work;
  const unclear = await recoverLogs(root, policy, context.signal, (act) => attempt(work, 'file', act));
  const rotated = await rotateDue(work, unclear);
  await removeFiles(work, 'expire', (files) => expired(files, orders.keep));
  await compressRotated(work);
  const [minFreeBytes, { freeBytes }] = [await freeTarget(root, policy), await root.space()];
  await removeFiles(work, 'make_room', (files) => surplus(files, { ...orders.keep, minFreeBytes }, freeBytes));
  if (work.taken > 0)
    context.note(
      `${work.taken} rotated logs of ${policy.name} stay: other files have their names, or inode numbers do not last on this disk.`,
    );
  if (rotated.length > 0) await attempt(work, 'after', () => policy.hooks.after?.(rotated.map(({ log }) => log)));
}

interface Moved {
  log: string;
  to: string;
}

async function rotateDue(work: Work, unclear: ReadonlySet<string>): Promise<Moved[]> {
  const { root, policy, orders, context, counts } = work;
  const { signal, relief = noRelief, now = () => orders.due.asOf } = context;
  const { found, rotate: due, state, damaged } = await dueLogs(root, policy, orders);
  const rotate = due.filter(({ name }) => !unclear.has(name));
  if (damaged) context.note(`The state of the logs of ${policy.name} was not whole, and begins anew.`);
  if (found.odd.length > 0) context.note(`${found.odd.length} links and the like of ${policy.name} are left alone.`);
  [counts.odd, counts.seen] = [found.odd.length, found.logs.length];
  const names = rotate.map(({ name }) => name);
  const steps = await context.begin('rotate', rotate.length, found.logs.length, found.logs.length);
  // Known before the first is moved: should this process die, the next run tells the writers. Where that cannot be kept none is
  // moved; what is removed and compressed may make the room that it takes.
  const untold = { ...state, untold: [...state.untold, policy.name] };
  const mayRotate =
    names.length > 0 &&
    (await attempt(work, 'before', () => policy.hooks.before?.(names))) &&
    (!policy.reopen || (await attempt(work, 'file', () => writeState(root, untold))));
  const taken = takenNames(policy, found);
  const moved: Moved[] = [];
  for (const log of mayRotate ? rotate : []) {
    if (work.ended || context.signal.aborted) break;
    if (!(await attempt(work, 'beforeRotate', () => policy.hooks.beforeRotate?.(log.name)))) continue;
    await attempt(work, 'file', async () => {
      const to = await moveLog(root, policy, log.name, taken(log.name), now(), { signal, relief });
      moved.push({ log: log.name, to });
      if (policy.method === 'rename') await createLog(root, policy, log, to);
    }).catch((error: unknown) => {
      // Cut short while it waited: the log is as it was, and those before it are told of.
      if (!isOperationError(signal.reason, 'RUN_ENDED')) throw error;
      work.ended = true;
    });
    if (work.ended) break;
    const cleaned = moved.at(-1)?.log === log.name ? 1 : 0;
    counts.rotated += cleaned;
    work.ended = !(await steps.advance({ seen: 0, cleaned }));
  }
  return tellWriters(work, state, found, moved);
}

async function tellWriters(
  work: Work,
  state: RotationState,
  found: LogDirectory,
  moved: readonly Moved[],
): Promise<Moved[]> {
  const { root, policy, orders, context } = work;
  const { reopen } = policy;
  const others = state.untold.filter((name) => name !== policy.name);
  const due = moved.length > 0 || others.length < state.untold.length;
  const told = !reopen || !due || (await attempt(work, 'reopen', () => reopenLogs(reopen)));
  if (orders.due.every !== undefined || (reopen && due)) {
    const now = context.now?.() ?? orders.due.asOf;
    const isMoved = new Set(moved.map(({ log }) => log));
    const isFresh = ({ name }: LogFile): boolean => knownSince(state, name, now) === undefined || isMoved.has(name);
    const fresh = found.logs.filter(isFresh);
    const gone = goneLogs(policy, found, state);
    const kept = Object.entries(state.since).filter(([name]) => !gone.has(name));
    const since = Object.fromEntries([...kept, ...fresh.map(({ name }) => [name, now] as const)]);
    const untold = told ? others : [...others, policy.name];
    const isNews = fresh.length > 0 || gone.size > 0 || due;
    if (isNews) await attempt(work, 'file', () => writeState(root, { since, untold }));
  }
  for (const { log, to } of moved) await attempt(work, 'afterRotate', () => policy.hooks.afterRotate?.(log, to));
  work.untold = !told;
  return [...moved];
}

/** The logs that are in the state, and not in the directory, nor is anything that was one: of this policy, for others list their own. */
function goneLogs(
  { pattern }: CheckedLog,
  { logs, odd, rotated }: LogDirectory,
  { since }: RotationState,
): Set<string> {
  const there = new Set([...logs, ...odd].map(({ name }) => name).concat(rotated.map(({ log }) => log)));
  return new Set(Object.keys(since).filter((name) => !there.has(name) && matchesPattern(pattern, name)));
}

async function removeFiles(
  work: Work,
  part: RotationPart,
  choose: (files: readonly RotatedFile[]) => RotatedFile[],
): Promise<void> {
  const { root, policy, context, counts } = work;
  if (isOver(work)) return;
  const { rotated } = await listLogs(root, policy);
  const going = choose(rotated);
  const steps = await context.begin(part, going.length, rotated.length);
  for (const { name, facts } of steps.remaining < 1 ? [] : going) {
    if (work.ended) return;
    if (!(await attempt(work, 'beforeRemove', () => policy.hooks.beforeRemove?.(name)))) continue;
    if (isOver(work)) return;
    const removed = await attempt(work, 'file', async () => {
      const went = await root.remove(name, facts);
      if (!went && (await root.facts(name))) work.taken += 1;
      return went;
    });
    if (removed) [counts.deleted, counts.bytesFreed] = [counts.deleted + 1, counts.bytesFreed + facts.diskBytes];
    counts.seen += 1;
    const [cleaned, bytes] = removed ? [1, facts.diskBytes] : [0, 0];
    work.ended = !(await steps.advance({ seen: 1, cleaned, settled: 1, bytes }));
    if (work.ended) return;
  }
  await root.sync();
}

async function compressRotated(work: Work): Promise<void> {
  const { root, policy, orders, context, counts } = work;
  if (isOver(work) || !orders.compress) return;
  const { codec, level, delay } = orders.compress;
  const { signal, relief = noRelief } = context;
  const { rotated } = await listLogs(root, policy);
  // Where writers are that were not told, perhaps not by earlier runs either, nobody knows.
  const candidates = work.untold ? [] : packable(rotated, delay);
  let files: RotatedFile[] = [];
  // Where nobody can say who writes, nothing is compressed; room is made all the same.
  if (!(await attempt(work, 'file', async () => void (files = await quiet(candidates))))) return;
  counts.growing = candidates.length - files.length;
  const steps = await context.begin('compress', files.length, rotated.length);
  for (const { name, facts } of files) {
    let bytes = 0;
    const packed = await attempt(work, 'file', async () => {
      const done = await compressFile(root, name, { codec, level, signal, relief, listed: facts });
      if (done.outcome === 'compressed') bytes = done.bytesBefore - done.bytesAfter;
      else if (done.outcome === 'changed') counts.growing += 1;
      else context.note(`${shownName(name)} is not compressed: the name is another file’s.`);
      return done.outcome === 'compressed';
    });
    counts.compressed += packed ? 1 : 0;
    counts.bytesFreed += bytes;
    work.ended = !(await steps.advance({ seen: 1, cleaned: packed ? 1 : 0, settled: 1, bytes: Math.max(0, bytes) }));
    if (work.ended) return;
  }
}
