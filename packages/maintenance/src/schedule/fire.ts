import { isDeepStrictEqual } from 'node:util';
import { describeError, holdLease, isOperationError, type Clock, type Logger } from '@dotmac/core';
import { queueKey } from '../runs/lease-keys.js';
import { isResumable, type Run, type RunStatus } from '../runs/run.js';
import type { Runner } from '../runs/runner.js';
import type { MaintenanceStore } from '../store/store.js';
import { scheduleKey, type PlannedPart } from './planned.js';
import type { Present } from './presence.js';
import { refusedTask } from './refused-task.js';
import type { Roster } from './roster.js';
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
}

/** A slot that this process has taken. */
export interface TakenSlot extends SlotKey {
  tenantId: string;
  present: Present;
}

/** How a slot ends, and how a run does. */
type Ending = { outcome: SlotOutcome; message?: string };
/** A run, and the schedule as it was when that began. */
type Begun = Awaited<ReturnType<Runner['begin']>> & { planned: PlannedPart };
/** Another run is at the task. */
type Busy = { busy: PlannedPart };
/** One of a slot's tries. */
type Turn = { slot: TakenSlot; attempt: number; failed?: Pick<Begun, 'run' | 'planned'> };

/** How often a slot that waits for another run looks, and how long at most. */
const lookMs = 1_000;
const longestQueueMs = 86_400_000;
/** A run that is cancelled ends after its batch. */
const longestCancelMs = 600_000;
const longestRetryMs = 6 * 3_600_000;
/** Changes of others that are younger than this may be overlooked. */
const freshMs = 1_000;

/** Runs one slot, by its schedule's rules, and writes into the ledger what became of it; does not reject. */
export async function runSlot(parts: FireParts, slot: TakenSlot): Promise<void> {
  const { store, clock, logger } = parts;
  const { tenantId, schedule, slotAt, present } = slot;
  const about = { tenantId, schedule, slotAt };
  try {
    const { outcome, message } = await attempts(parts, slot).catch((error: unknown): Ending => {
      const stopped = present.signal.aborted || isOperationError(error, 'MAINTENANCE_STOPPED');
      if (stopped) return { outcome: 'cancelled', message: 'The process was stopped.' };
      logger.error({ ...about, ...describeError(error) }, 'a slot could not be run');
      return { outcome: 'refused', message: isOperationError(error) ? error.message : slotOutcomes.refused };
    });
    const change = { outcome, endedAt: clock.now(), ...(message !== undefined && { message }) };
    // When it is closed already this process was taken for dead: what others wrote stays.
    if (!(await store.slots(tenantId).change(slot, present.instance, change)))
      logger.warn({ ...about, outcome }, 'a slot was closed by others meanwhile');
  } catch (error) {
    logger.error({ ...about, ...describeError(error) }, 'what became of a slot could not be kept');
  }
}

/** Begins the run, and again as often as the rules say when it fails. */
async function attempts(parts: FireParts, slot: TakenSlot): Promise<Ending> {
  const { store, clock } = parts;
  const { tenantId, present } = slot;
  let failed: Turn['failed'];
  for (let attempt = 1; ; attempt++) {
    const begun = await beginOrYield(parts, { slot, attempt, ...(failed && { failed }) });
    if ('outcome' in begun) return begun;
    const { refusal, timetable } = begun.planned;
    const { retries, retryAfterMs, timeoutMs } = timetable.rules;
    const { run, timedOut } = await withinTimeout(parts, begun, timeoutMs);
    const outcome = outcomeOf(run, timedOut);
    // What a policy refuses it refuses again.
    const mayRetry = attempt <= retries && refusal === null;
    const again = mayRetry && (outcome === 'failed' || outcome === 'timed_out');
    if (!again) return { outcome, ...(run.errorMessage !== null && { message: run.errorMessage }) };
    failed = { run, planned: begun.planned };
    await store.slots(tenantId).change(slot, present.instance, { outcome: 'retrying' });
    await clock.sleep(Math.min(longestRetryMs, retryAfterMs * 2 ** (attempt - 1)), present.signal);
  }
}

function outcomeOf({ status }: Run, timedOut: boolean): SlotOutcome {
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
  if (timetable.rules.overlap === 'skip') return inTheWay(turn, 'another run of its task was at it');
  if (timetable.rules.overlap === 'cancel') {
    await cancelOthers(parts, begun.busy);
    return wait(parts, turn, longestCancelMs);
  }
  const { signal } = turn.slot.present;
  const key = queueKey(tenantId, name, scopeId);
  const queued = await holdLease(store.leases, key, { ttlMs: leaseTtlMs, clock, signal }, () =>
    wait(parts, turn, longestQueueMs),
  );
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
  const message = failed ? `Its run failed, and ${what} at the next try.` : `${what.replace('a', 'A')}.`;
  return { outcome: 'overlap', message };
}

/** What is said of a slot that waited, for another slot, another run, or its retry, and is not to begin any more. */
const waited = ({ failed }: Turn, what: string): string =>
  failed ? `Its run failed, and the ${what} before the next try.` : `The ${what} as it waited.`;

/** The schedule as it is now: it may have been paused, changed or removed while the slot waited. */
async function currentOf({ roster }: FireParts, turn: Turn): Promise<PlannedPart | Ending> {
  const { tenantId, schedule, scopeId } = turn.slot;
  await roster.refresh(freshMs);
  const part = roster.get(scheduleKey(tenantId, schedule))?.parts.find((it) => it.scopeId === scopeId);
  // One that is about other things by now is another.
  if (!part) return { outcome: 'cancelled', message: waited(turn, 'schedule was removed') };
  return part.pausedAt === null ? part : { outcome: 'paused', message: waited(turn, 'schedule was paused') };
}

async function tryBegin(parts: FireParts, turn: Turn): Promise<Begun | Ending | Busy> {
  const { runner, clock } = parts;
  const { slot, attempt: attempts, failed } = turn;
  const { tenantId, schedule, scopeId, slotAt, present } = slot;
  const planned = await currentOf(parts, turn);
  if ('outcome' in planned) return planned;
  const { parameters, timetable, refusal } = planned;
  const { hours } = timetable;
  const now = clock.now();
  if (!hours.isOpen(now)) return { outcome: 'outside_window', message: waited(turn, 'window closed') };
  const task = refusal ? refusedTask(planned.task, refusal) : planned.task;
  const until = hours.closesAt(now);
  const resumes = failed && isResumable(failed.run) && isSameWork(failed.planned, planned) ? failed.run : undefined;
  const identity = { tenantId, actor: `schedule:${schedule}` };
  const request = { identity, task, parameters, trigger: 'schedule' as const, schedule };
  // Kept with the run: who was taken for dead begins nothing.
  const taken = { schedule, scopeId, slotAt, instance: present.instance, attempts };
  const more = { slot: taken, ...(until !== null && { until }), ...(resumes && { resumes }) };
  try {
    return { ...(await runner.begin({ ...request, ...more })), planned };
  } catch (error) {
    if (isOperationError(error, 'TASK_ALREADY_RUNNING')) return { busy: planned };
    throw error;
  }
}

/** Where one left off says nothing to another. */
const isSameWork = (before: PlannedPart, now: PlannedPart): boolean =>
  before.task.type === now.task.type && isDeepStrictEqual(before.parameters, now.parameters);

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
