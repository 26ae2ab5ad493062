import { isDeepStrictEqual } from 'node:util';
import { isOperationError, newId } from '@dotmac/core';
import { wireOf } from '@dotmac/core/contract';
import { ended } from '../runs/outcome.js';
import { isResumable, type Run } from '../runs/run.js';
import { untilAnswered } from '../store/until-answered.js';
import { waited, type Ending } from './ending.js';
import { scheduleKey, type PlannedPart } from './planned.js';
import { refusedTask } from './refused-task.js';
import type { Begun, FireParts, Turn } from './turn.js';

/** Another run is at the task; the turn as it goes on. */
export type Busy = { busy: PlannedPart; turn: Turn };

/** Changes of others that are younger than this may be overlooked. */
const freshMs = 1_000;

/** While the store is out of reach it is asked again, for as long as this process is known to be there. */
export const whilePresent = <Answer>(parts: FireParts, { slot }: Turn, ask: () => Promise<Answer>): Promise<Answer> =>
  untilAnswered(ask, { ...parts, signal: slot.present.signal });

/**
 * Begins a run of what its schedule is now, unless another is at the task. The store may have kept the run without being able to say so:
 * that one is gone on with, or taken back where it is not to begin any more.
 */
export async function tryBegin(parts: FireParts, turn: Turn): Promise<Begun | Ending | Busy> {
  const runs = parts.store.runs(turn.slot.tenantId);
  const owner = newId();
  let [id, isTried, next] = [owner, false, turn];
  const begun = await whilePresent(parts, turn, async () => {
    const planned = await currentOf(parts, turn);
    const kept = isTried ? await runs.get(id) : null;
    const isToGoOn = kept !== null && !('outcome' in planned) && isSameWork(kept, planned);
    if (kept && !isToGoOn) {
      next = { ...next, undone: await takeBack(parts, kept) };
      [id, isTried] = [newId(), false];
    }
    if ('outcome' in planned) return planned;
    isTried = true;
    const begun = await begin(parts, next, planned, { id, owner });
    if (begun) return begun;
    return { busy: planned, turn: isToGoOn ? { ...next, undone: await takeBack(parts, kept) } : next };
  });
  // Others took this process for dead before anything was done for it.
  const isUndone = 'run' in begun && begun.run.stopReason === 'abandoned' && begun.run.resumedBy === null;
  return isUndone ? tryBegin(parts, { ...next, undone: begun.run }) : begun;
}

/** The schedule as it is now: it may have been paused, changed or removed while the slot waited, or its window closed. */
async function currentOf({ roster, clock }: FireParts, { slot, failed }: Turn): Promise<PlannedPart | Ending> {
  const { tenantId, schedule, scopeId } = slot;
  await roster.refresh(freshMs);
  const part = roster.get(scheduleKey(tenantId, schedule))?.parts.find((it) => it.scopeId === scopeId);
  // One that is about other things by now is another.
  if (!part) return { outcome: 'cancelled', message: waited(failed, 'schedule was removed') };
  if (part.pausedAt !== null) return { outcome: 'paused', message: waited(failed, 'schedule was paused') };
  if (part.timetable.hours.isOpen(clock.now())) return part;
  return { outcome: 'outside_window', message: waited(failed, 'window closed') };
}

/** Ends a run that nobody is at; nobody was told that it began. */
async function takeBack({ store, clock }: FireParts, run: Run): Promise<Run> {
  if (run.status !== 'running') return run;
  const outcome = ended('cancelled', run, clock.now());
  await store.runs(run.tenantId).finish(run.id, outcome);
  return { ...run, ...outcome };
}

/** Undefined when another run is at the task. */
async function begin(
  { runner, clock }: FireParts,
  { slot, attempt: attempts, failed, undone }: Turn,
  planned: PlannedPart,
  ids: { id: string; owner: string },
): Promise<Begun | undefined> {
  const { tenantId, schedule, scopeId, slotAt, present } = slot;
  const { parameters, timetable, refusal } = planned;
  const task = refusal ? refusedTask(planned.task, refusal) : planned.task;
  const until = timetable.hours.closesAt(clock.now());
  const resumes = [undone, failed?.run].find((run) => run && isResumable(run) && isSameWork(run, planned));
  const identity = { tenantId, actor: `schedule:${schedule}` };
  const request = { ...ids, identity, task, parameters, trigger: 'schedule' as const, schedule };
  // Kept with the run: who was taken for dead begins nothing.
  const taken = { schedule, scopeId, slotAt, instance: present.instance, attempts };
  const more = { slot: taken, ...(until !== null && { until }), ...(resumes && { resumes }) };
  present.signal.throwIfAborted();
  try {
    return { ...(await runner.begin({ ...request, ...more })), planned };
  } catch (error) {
    if (isOperationError(error, 'TASK_ALREADY_RUNNING')) return undefined;
    throw error;
  }
}

/** Where one left off says nothing to another. */
const isSameWork = ({ task: type, parameters: before }: Run, { task, parameters }: PlannedPart): boolean =>
  type === task.type && isDeepStrictEqual(asKept(before), asKept(wireOf(task.parameters).render(parameters as never)));

/** What is made of wire forms where they are kept as text. */
const asKept = (wire: unknown): unknown => JSON.parse(JSON.stringify(wire));
