import { describeError, holdLease, isOperationError, type Clock, type Logger } from '@dotmac/core';
import { maintenanceErrors } from '../errors.js';
import { queueKey } from '../runs/lease-keys.js';
import { isResumable, type Run, type RunStatus } from '../runs/run.js';
import type { Runner } from '../runs/runner.js';
import type { MaintenanceStore } from '../store/store.js';
import type { PlannedPart } from './planned.js';
import type { Present } from './presence.js';
import { refusedTask } from './refused-task.js';
import { withinTimeout } from './time-out.js';
import { slotOutcomes, type SlotKey, type SlotOutcome } from './slot.js';

/** What slots are run with. */
export interface FireParts {
  store: MaintenanceStore;
  runner: Runner;
  clock: Clock;
  logger: Logger;
  leaseTtlMs: number;
}

/** A slot that this process has taken. */
export interface TakenSlot extends SlotKey {
  planned: PlannedPart;
  present: Present;
}

/** How a slot ends, and how a run does. */
type Ending = { outcome: SlotOutcome; message?: string };
type Begun = Awaited<ReturnType<Runner['begin']>>;

/** How often a slot that waits for another run looks, and how long at most. */
const lookMs = 1_000;
const longestQueueMs = 86_400_000;
/** A run that is cancelled ends after its batch. */
const longestCancelMs = 600_000;
const longestRetryMs = 6 * 3_600_000;

/** Runs one slot, by its schedule's rules, and writes into the ledger what became of it; does not reject. */
export async function runSlot(parts: FireParts, slot: TakenSlot): Promise<void> {
  const { store, clock, logger } = parts;
  const { planned, present } = slot;
  const about = { tenantId: planned.tenantId, schedule: planned.name, slotAt: slot.slotAt };
  try {
    const { outcome, message } = await attempts(parts, slot).catch((error: unknown): Ending => {
      const stopped = present.signal.aborted || isOperationError(error, 'MAINTENANCE_STOPPED');
      if (stopped) return { outcome: 'cancelled', message: 'The process was stopped.' };
      logger.error({ ...about, ...describeError(error) }, 'a slot could not be run');
      return { outcome: 'refused', message: isOperationError(error) ? error.message : slotOutcomes.refused };
    });
    const change = { outcome, endedAt: clock.now(), ...(message !== undefined && { message }) };
    // When it is closed already this process was taken for dead: what others wrote stays.
    if (!(await store.slots(planned.tenantId).change(slot, present.instance, change)))
      logger.warn({ ...about, outcome }, 'a slot was closed by others meanwhile');
  } catch (error) {
    logger.error({ ...about, ...describeError(error) }, 'what became of a slot could not be kept');
  }
}

/** Begins the run, and again as often as the rules say when it fails. */
async function attempts(parts: FireParts, slot: TakenSlot): Promise<Ending> {
  const { store, clock } = parts;
  const { planned, present } = slot;
  const { retries, retryAfterMs, timeoutMs } = planned.timetable.rules;
  let failed: Run | undefined;
  for (let attempt = 1; ; attempt++) {
    const begun = await beginOrYield(parts, slot, attempt, failed);
    if ('outcome' in begun) return begun;
    const { run, timedOut } = await withinTimeout(parts, begun, timeoutMs);
    const outcome = outcomeOf(run, timedOut);
    // What a policy refuses it refuses again.
    const mayRetry = attempt <= retries && planned.refusal === null;
    const again = mayRetry && (outcome === 'failed' || outcome === 'timed_out');
    if (!again) return { outcome, ...(run.errorMessage !== null && { message: run.errorMessage }) };
    failed = run;
    await store.slots(planned.tenantId).change(slot, present.instance, { outcome: 'retrying' });
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
async function beginOrYield(
  parts: FireParts,
  slot: TakenSlot,
  attempt: number,
  failed: Run | undefined,
): Promise<Begun | Ending> {
  const { store, clock, leaseTtlMs } = parts;
  const { planned, present } = slot;
  const begun = await tryBegin(parts, slot, attempt, failed);
  if (begun) return begun;
  const { overlap } = planned.timetable.rules;
  if (overlap === 'skip') return { outcome: 'overlap' };
  if (overlap === 'cancel') {
    await cancelOthers(parts, planned);
    return wait(parts, slot, attempt, failed, longestCancelMs);
  }
  const { signal } = present;
  const key = queueKey(planned.tenantId, planned.name, planned.scopeId);
  const queued = await holdLease(store.leases, key, { ttlMs: leaseTtlMs, clock, signal }, () =>
    wait(parts, slot, attempt, failed, longestQueueMs),
  );
  return queued.held ? queued.result : { outcome: 'overlap', message: 'Another slot was waiting already.' };
}

async function wait(
  parts: FireParts,
  slot: TakenSlot,
  attempt: number,
  failed: Run | undefined,
  longestMs: number,
): Promise<Begun | Ending> {
  const { clock } = parts;
  const { present } = slot;
  for (const end = clock.monotonic() + longestMs; clock.monotonic() < end;) {
    await clock.sleep(lookMs, present.signal);
    const begun = await tryBegin(parts, slot, attempt, failed);
    if (begun) return begun;
  }
  return { outcome: 'overlap', message: 'Another run of its task did not end in time.' };
}

/** What is said of a slot that waited for longer than its window is open: for another slot, another run, or its retry. */
const closed = (failed: Run | undefined): string =>
  failed ? 'Its run failed, and the window closed before the next try.' : 'The window closed as it waited.';

/** Undefined when another run is at the task. */
async function tryBegin(
  { store, runner, clock }: FireParts,
  slot: TakenSlot,
  attempt: number,
  failed: Run | undefined,
): Promise<Begun | Ending | undefined> {
  const { planned, present } = slot;
  const { tenantId, name, parameters, timetable, refusal } = planned;
  const { hours } = timetable;
  const now = clock.now();
  if (!hours.isOpen(now)) return { outcome: 'outside_window', message: closed(failed) };
  const task = refusal ? refusedTask(planned.task, refusal) : planned.task;
  const until = hours.closesAt(now);
  const resumes = failed && isResumable(failed) ? failed : undefined;
  const claim = async (runId: string): Promise<void> => {
    // Asked under the task's lease, right before the run: who was taken for dead begins nothing.
    const change = { outcome: 'running', runId, attempts: attempt } as const;
    if (!(await store.slots(tenantId).change(slot, present.instance, change)))
      throw maintenanceErrors.SLOT_LOST({ schedule: name });
  };
  const identity = { tenantId, actor: `schedule:${name}` };
  const request = { identity, task, parameters, trigger: 'schedule' as const, schedule: name, claim };
  try {
    const slotAt = attempt === 1 ? { slotAt: slot.slotAt } : {};
    return await runner.begin({ ...request, ...slotAt, ...(until !== null && { until }), ...(resumes && { resumes }) });
  } catch (error) {
    if (isOperationError(error, 'TASK_ALREADY_RUNNING')) return undefined;
    throw error;
  }
}

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
