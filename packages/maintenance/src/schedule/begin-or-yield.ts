import { isDeepStrictEqual } from 'node:util';
import { holdLease, isOperationError, newId, type HeldLease } from '@dotmac/core';
import { wireOf } from '@dotmac/core/contract';
import { queueKey } from '../runs/lease-keys.js';
import { isResumable, type Run } from '../runs/run.js';
import { untilAnswered } from '../store/until-answered.js';
import { howFailed, waited, type Ending } from './ending.js';
import { scheduleKey, type PlannedPart } from './planned.js';
import { refusedTask } from './refused-task.js';
import type { Begun, FireParts, Turn } from './turn.js';

/** Another run is at the task. */
type Busy = { busy: PlannedPart };

/** How often a slot that waits for another run looks, and how long at most. */
const lookMs = 1_000;
const longestQueueMs = 86_400_000;
/** A run that is cancelled ends after its batch. */
const longestCancelMs = 600_000;
/** Changes of others that are younger than this may be overlooked. */
const freshMs = 1_000;

/** Begins a run; when another is at the task, does what the rules say. */
export async function beginOrYield(parts: FireParts, turn: Turn): Promise<Begun | Ending> {
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
  const message = failed ? `${howFailed(failed)}, and ${what} at the next try.` : `${what.replace('a', 'A')}.`;
  return { outcome: 'overlap', message };
}

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
  const id = newId();
  return whilePresent(parts, turn, () => tryOnce(parts, turn, id));
}

async function tryOnce(parts: FireParts, turn: Turn, id: string): Promise<Begun | Ending | Busy> {
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
  const request = { id, identity, task, parameters, trigger: 'schedule' as const, schedule };
  // Kept with the run: who was taken for dead begins nothing.
  const taken = { schedule, scopeId, slotAt, instance: present.instance, attempts };
  const more = { slot: taken, ...(until !== null && { until }), ...(resumes && { resumes }) };
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
