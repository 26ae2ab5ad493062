import { isDeepStrictEqual } from 'node:util';
import {
  describeError,
  holdLease,
  isOperationError,
  newId,
  type Clock,
  type HeldLease,
  type Logger,
} from '@dotmac/core';
import { wireOf } from '@dotmac/core/contract';
import { queueKey } from '../runs/lease-keys.js';
import { isLeftOff, mayGoOn } from '../runs/left-off.js';
import { isResumable, lastSignOf, type Run, type RunStatus } from '../runs/run.js';
import type { Runner } from '../runs/runner.js';
import type { MaintenanceStore } from '../store/store.js';
import { untilAnswered } from '../store/until-answered.js';
import { scheduleKey, type PlannedPart } from './planned.js';
import type { Present } from './presence.js';
import { refusedTask } from './refused-task.js';
import type { Roster } from './roster.js';
import type { ScheduleRules } from './rules.js';
import { withinTimeout } from './time-out.js';
import { slotOutcomes, type SlotKey, type SlotOutcome } from './slot.js';

/** What slots are run with. */
export interface FireParts {
  store: MaintenanceStore;
  runner: Runner;
  roster: Pick<Roster, 'refresh' | 'get'>;
  clock: Clock;
  logger: Logger;
  leaseTtlMs: number;
  /** Aborts when the process stops: what the store has not taken by then is left to others. */
  leaving: AbortSignal;
}

/** A slot that this process has taken. */
export interface TakenSlot extends SlotKey {
  tenantId: string;
  present: Present;
  /** What others had done for it, when it was taken over from them. */
  before?: { attempts: number; failed?: Failed };
}

/** A run that failed, or was left off, and when the next is to begin. Epoch ms. */
export interface Failed {
  run: Run;
  retryAt: number;
}

/** How a slot ends, and how a run does. */
export type Ending = { outcome: SlotOutcome; message?: string };
/** It waits, and its process does so no more. */
type Left = { left: string };
/** A run, and the schedule as it was when that began. */
type Begun = Awaited<ReturnType<Runner['begin']>> & { planned: PlannedPart };
/** Another run is at the task. */
type Busy = { busy: PlannedPart };
/** One of a slot's tries. */
type Turn = { slot: TakenSlot; attempt: number; failed?: Failed };

/** How often a slot that waits for another run looks, and how long at most. */
const lookMs = 1_000;
const longestQueueMs = 86_400_000;
/** A run that is cancelled ends after its batch. */
const longestCancelMs = 600_000;
const longestRetryMs = 6 * 3_600_000;
/** Changes of others that are younger than this may be overlooked. */
const freshMs = 1_000;

/**
 * Runs one slot, by its schedule's rules, and writes into the ledger what became of it; does not reject. One that waits when the process
 * stops is left to others, as if that had died.
 */
export async function runSlot(parts: FireParts, slot: TakenSlot): Promise<void> {
  const { store, clock, logger } = parts;
  const { tenantId, schedule, slotAt, present } = slot;
  const about = { tenantId, schedule, slotAt };
  const ending = await attempts(parts, slot).catch((error: unknown): Ending => {
    logger.error({ ...about, ...describeError(error) }, 'a slot could not be run');
    return { outcome: 'refused', message: isOperationError(error) ? error.message : slotOutcomes.refused };
  });
  const change = { ...('left' in ending ? { message: ending.left } : ending), endedAt: clock.now() };
  try {
    // When it is not its own any more this process was taken for dead: what others wrote stays.
    if (!(await kept(parts, () => store.slots(tenantId).change(slot, present.instance, change))))
      logger.warn({ ...about, ...change }, 'a slot was closed or taken over by others meanwhile');
  } catch (error) {
    logger.error({ ...about, ...describeError(error) }, 'what became of a slot could not be kept');
  }
}

/** What is written of a slot is small, and right: whatever the store has against it passes. */
const kept = <Answer>({ clock, logger, leaving }: FireParts, write: () => Promise<Answer>): Promise<Answer> =>
  untilAnswered(write, { clock, logger, signal: leaving, mayPass: () => true });

/** Begins the run, and again as often as the rules say when it fails. */
async function attempts(parts: FireParts, slot: TakenSlot): Promise<Ending | Left> {
  const { before } = slot;
  let failed = before?.failed;
  for (let attempt = (before?.attempts ?? 0) + 1; ; attempt++) {
    const turn = { slot, attempt, ...(failed && { failed }) };
    const begun = await inTurn(parts, turn);
    if (!('run' in begun)) return begun;
    const came = await cameOf(parts, turn, begun).catch((error: unknown): Left => {
      parts.logger.error({ runId: begun.run.id, ...describeError(error) }, 'how the run of a slot ended is not known');
      return { left: 'How its run ended could not be kept.' };
    });
    if (!('run' in came)) return came;
    failed = came;
  }
}

/** What came of a run: how its slot ends, or when the next is to begin. */
async function cameOf(parts: FireParts, { slot, attempt }: Turn, begun: Begun): Promise<Ending | Left | Failed> {
  const { store, clock } = parts;
  const { tenantId, present } = slot;
  const { refusal, timetable } = begun.planned;
  const { rules } = timetable;
  const { run, timedOut } = await withinTimeout(parts, begun, rules.timeoutMs);
  const outcome = outcomeOf(run, timedOut);
  // What a policy refuses it refuses again.
  const mayRetry = attempt <= rules.retries && refusal === null;
  // In the store it may have been cancelled up to its end.
  const now = mayRetry && isLeftOff(run) ? await kept(parts, () => store.runs(tenantId).get(run.id)) : run;
  if (!mayRetry || !now || !isToBeginAgain(now, outcome)) return { outcome, ...toldBy(run) };
  if (isLeftOff(now) && mayGoOn(now)) return { left: 'Its process was stopped, and others may go on with its run.' };
  const failed = failedOf(now, rules, attempt, clock.now());
  await kept(parts, () => store.slots(tenantId).change(slot, present.instance, { outcome: 'retrying' }));
  return failed;
}

/** What a slot says of how its run ended. */
export const toldBy = ({ errorMessage }: Run): Pick<Ending, 'message'> =>
  errorMessage === null ? {} : { message: errorMessage };

/** Is another run to begin after that one? After what was left off, unless somebody has cancelled it. */
export function isToBeginAgain(run: Run, outcome = outcomeOf(run, false)): boolean {
  if (isLeftOff(run)) return run.cancelRequestedAt === null;
  return outcome === 'failed' || outcome === 'timed_out';
}

/**
 * When the run after one that failed, or was left off, is to begin. One whose process died came to its end then; by its row it ended
 * when somebody found it, which may be days later.
 * @param attempt which of its slot's runs it was, from 1
 */
export function failedOf(
  run: Run,
  { retryAfterMs }: Pick<ScheduleRules, 'retryAfterMs'>,
  attempt: number,
  now: number,
): Failed {
  const overAt = run.stopReason === 'abandoned' ? lastSignOf(run) : (run.endedAt ?? now);
  return { run, retryAt: overAt + Math.min(longestRetryMs, retryAfterMs * 2 ** (attempt - 1)) };
}

/** Begins a run once it is to; but not when the process is stopped before, or taken for dead. */
async function inTurn(parts: FireParts, turn: Turn): Promise<Begun | Ending | Left> {
  const { signal } = turn.slot.present;
  const { failed } = turn;
  try {
    if (failed) await parts.clock.sleep(Math.max(0, failed.retryAt - parts.clock.now()), signal);
    return await beginOrYield(parts, turn);
  } catch (error) {
    if (!signal.aborted && !isOperationError(error, 'MAINTENANCE_STOPPED')) throw error;
    return { left: waited(failed, 'process was stopped') };
  }
}

/** How a slot ends by its run. */
export function outcomeOf({ status }: Run, timedOut: boolean): SlotOutcome {
  const outcomes: Record<RunStatus, SlotOutcome> = {
    running: 'abandoned',
    completed: 'completed',
    failed: 'failed',
    cancelled: timedOut ? 'timed_out' : 'cancelled',
    skipped: 'skipped',
    needs_confirmation: 'needs_confirmation',
  };
  return outcomes[status];
}

/** Begins a run; when another is at the task, does what the rules say. */
async function beginOrYield(parts: FireParts, turn: Turn): Promise<Begun | Ending> {
  const { store, clock, leaseTtlMs } = parts;
  const begun = await tryBegin(parts, turn);
  if (!('busy' in begun)) return begun;
  const { tenantId, name, scopeId, timetable } = begun.busy;
  const { present, before } = turn.slot;
  // Of missed slots that are to run one after another, the run of the one before may be gone on with.
  const follows = before?.attempts === 0;
  if (timetable.rules.overlap === 'skip' && !follows) return inTheWay(turn, 'another run of its task was at it');
  if (timetable.rules.overlap === 'cancel') {
    await whilePresent(parts, turn, () => cancelOthers(parts, begun.busy));
    return wait(parts, turn, longestCancelMs);
  }
  const options = { ttlMs: leaseTtlMs, clock, signal: present.signal, owner: newId() };
  const stand = (): Promise<HeldLease<Begun | Ending>> =>
    whilePresent(parts, turn, () =>
      holdLease(store.leases, queueKey(tenantId, name, scopeId), options, () => wait(parts, turn, longestQueueMs)),
    );
  let queued = await stand();
  // Its place in the queue is a dead process's yet: that lease may last longer than the one by which it was found dead.
  for (const end = clock.monotonic() + leaseTtlMs; before && !queued.held && clock.monotonic() < end;) {
    await clock.sleep(lookMs, present.signal);
    queued = await stand();
  }
  return queued.held ? queued.result : inTheWay(turn, 'another slot was waiting already');
}

async function wait(parts: FireParts, turn: Turn, longestMs: number): Promise<Begun | Ending> {
  const { clock } = parts;
  for (const end = clock.monotonic() + longestMs; clock.monotonic() < end;) {
    await clock.sleep(lookMs, turn.slot.present.signal);
    const begun = await tryBegin(parts, turn);
    if (!('busy' in begun)) return begun;
  }
  return inTheWay(turn, 'another run of its task did not end in time');
}

/** What came of a slot that others are in the way of: of one that has failed before, that is not all. */
function inTheWay({ failed }: Turn, what: string): Ending {
  const message = failed ? `${before(failed)}, and ${what} at the next try.` : `${what.replace('a', 'A')}.`;
  return { outcome: 'overlap', message };
}

/** What is said of a slot that waited, for another slot, another run, or its retry, and is not to begin any more. */
export const waited = (failed: Failed | undefined, what: string): string =>
  failed ? `${before(failed)}, and the ${what} before the next try.` : `The ${what} as it waited.`;

const before = ({ run }: Failed): string => (isLeftOff(run) ? 'Its run was broken off' : 'Its run failed');

/** The schedule as it is now: it may have been paused, changed or removed while the slot waited. */
async function currentOf({ roster }: FireParts, { slot, failed }: Turn): Promise<PlannedPart | Ending> {
  const { tenantId, schedule, scopeId } = slot;
  await roster.refresh(freshMs);
  const part = roster.get(scheduleKey(tenantId, schedule))?.parts.find((it) => it.scopeId === scopeId);
  // One that is about other things by now is another.
  if (!part) return { outcome: 'cancelled', message: waited(failed, 'schedule was removed') };
  return part.pausedAt === null ? part : { outcome: 'paused', message: waited(failed, 'schedule was paused') };
}

/** While the store is out of reach it is asked again, for as long as this process is known to be there. */
const whilePresent = <Answer>(parts: FireParts, { slot }: Turn, ask: () => Promise<Answer>): Promise<Answer> =>
  untilAnswered(ask, { ...parts, signal: slot.present.signal });

function tryBegin(parts: FireParts, turn: Turn): Promise<Begun | Ending | Busy> {
  const owner = newId();
  return whilePresent(parts, turn, () => tryOnce(parts, turn, owner));
}

async function tryOnce(parts: FireParts, turn: Turn, owner: string): Promise<Begun | Ending | Busy> {
  const { runner, clock } = parts;
  const { slot, attempt: attempts, failed } = turn;
  const { tenantId, schedule, scopeId, slotAt, present } = slot;
  const planned = await currentOf(parts, turn);
  if ('outcome' in planned) return planned;
  const { parameters, timetable, refusal } = planned;
  const { hours } = timetable;
  const now = clock.now();
  if (!hours.isOpen(now)) return { outcome: 'outside_window', message: waited(failed, 'window closed') };
  const task = refusal ? refusedTask(planned.task, refusal) : planned.task;
  const until = hours.closesAt(now);
  const resumes = failed && isResumable(failed.run) && isSameWork(failed.run, planned) ? failed.run : undefined;
  const identity = { tenantId, actor: `schedule:${schedule}` };
  const request = { identity, task, parameters, trigger: 'schedule' as const, schedule };
  // Kept with the run: who was taken for dead begins nothing.
  const taken = { schedule, scopeId, slotAt, instance: present.instance, attempts };
  const more = { slot: taken, owner, ...(until !== null && { until }), ...(resumes && { resumes }) };
  present.signal.throwIfAborted();
  try {
    return { ...(await runner.begin({ ...request, ...more })), planned };
  } catch (error) {
    if (isOperationError(error, 'TASK_ALREADY_RUNNING')) return { busy: planned };
    throw error;
  }
}

/** Where one left off says nothing to another. */
const isSameWork = ({ task: type, parameters: before }: Run, { task, parameters }: PlannedPart): boolean =>
  type === task.type && isDeepStrictEqual(asKept(before), asKept(wireOf(task.parameters).render(parameters as never)));

/** What is made of wire forms where they are kept as text. */
const asKept = (wire: unknown): unknown => JSON.parse(JSON.stringify(wire));

const mostCancelled = 50;

/** Asks the runs of a schedule's task to end, in whichever process they are. */
async function cancelOthers({ store, runner, clock }: FireParts, { tenantId, task, scopeId }: PlannedPart) {
  const runs = store.runs(tenantId);
  for (const run of await runs.list({ limit: mostCancelled, task: task.type, status: 'running', brief: true })) {
    if (run.scopeId !== scopeId || run.dryRun) continue;
    await runs.requestCancel(run.id, clock.now());
    runner.cancel(run.id);
  }
}
