import { describeError } from '@dotmac/core';
import { mayGoOn } from '../runs/left-off.js';
import type { Run } from '../runs/run.js';
import { failedOf, isToBeginAgain, outcomeOf, toldBy, waited, type Ending, type Failed } from './ending.js';
import { scheduleKey, type PlannedSchedule } from './planned.js';
import type { LeftSlot, Present } from './presence.js';
import { graceOf } from './reckon.js';
import type { FireParts, TakenSlot } from './turn.js';

/** What {@link takeOver} works with. */
export type TakeOverParts = Pick<FireParts, 'store' | 'roster' | 'clock' | 'logger' | 'leaseTtlMs'>;

/** So late, and the duration of a lease, a slot is on time: nobody looks more often for those that were left. */
const promptMs = 90_000;
/** A process that knows the schedule begins anew within that. */
const returnMs = 900_000;
/** Changes of others that are younger than this may be overlooked. */
const freshMs = 1_000;

/**
 * Deals with slots that nobody is at any more. Of those of which no run was under way, or whose run is to begin again, this process takes
 * over what its schedules say, in time; it closes what is too late, or can be taken over by nobody, and leaves the rest to others.
 * @param present this process, while it fires schedules; null when it does not
 * @returns what is to be run here: each list one after another
 */
export async function takeOver(
  parts: TakeOverParts,
  left: readonly LeftSlot[],
  present: Present | null,
): Promise<TakenSlot[][]> {
  if (left.length > 0) await parts.roster.refresh(freshMs);
  const lists = new Map<string, TakenSlot[]>();
  for (const slot of left) {
    if (present?.signal.aborted) break;
    const { tenantId, schedule, scopeId, slotAt } = slot;
    try {
      const taken = await dealWith(parts, slot, present);
      if (!taken) continue;
      // Missed ones wait for each other; a retry waits for its time.
      const key = JSON.stringify([tenantId, schedule, scopeId, ...(slot.outcome === 'waiting' ? [] : [slotAt])]);
      lists.set(key, [...(lists.get(key) ?? []), taken]);
    } catch (error) {
      const about = { tenantId, schedule, slotAt, ...describeError(error) };
      parts.logger.warn(about, 'a slot that was left could not be looked after');
    }
  }
  return [...lists.values()];
}

async function dealWith(parts: TakeOverParts, slot: LeftSlot, present: Present | null): Promise<TakenSlot | undefined> {
  const { store, clock } = parts;
  const { tenantId, schedule, scopeId, slotAt, outcome, attempts, runId, leftAt } = slot;
  const slots = store.slots(tenantId);
  const run = runId === null ? null : await store.runs(tenantId).get(runId);
  const failed = run ? failedBefore(parts, slot, run) : undefined;
  if (outcome === 'running') {
    const next = afterRun(parts, slot, run);
    if (next === 'close') await slots.change(slot, slot.instance, { ...endingBy(run), endedAt: clock.now() });
    if (next === 'leave' && slot.endedAt === null) await slots.change(slot, slot.instance, { endedAt: leftAt });
    if (next !== 'begin again') return undefined;
    // As if its process had written it: whoever comes first takes it over.
    const left = { outcome: 'retrying' as const, endedAt: leftAt, message: waited(failed, 'process died') };
    if (!(await slots.change(slot, slot.instance, left))) return undefined;
    return dealWith(parts, { ...slot, ...left }, present);
  }
  const verdict = judge(parts, slot, failed);
  if (verdict === 'take' && present) {
    const { instance } = present;
    const change = { instance, claimedAt: clock.now(), endedAt: null, message: null };
    const before = { attempts, ...(failed && { failed }) };
    return (await slots.changeLeft(slot, change))
      ? { tenantId, schedule, scopeId, slotAt, present, before }
      : undefined;
  }
  if (verdict !== 'take' && verdict !== 'leave') await slots.changeLeft(slot, { ...verdict, endedAt: clock.now() });
  // The place of its process may be had by another soon, of which nobody could tell that it is not the same.
  else if (slot.endedAt === null)
    await slots.changeLeft(slot, { endedAt: leftAt, message: waited(failed, 'process died') });
  return undefined;
}

/**
 * What becomes of a slot whose run was under way. Once that is known to be over it is to begin again if its schedule says so, unless
 * somebody goes on with it: who can has tried to before he comes here.
 */
function afterRun(
  { roster, clock }: TakeOverParts,
  { tenantId, schedule, scopeId, instance, attempts, leftAt }: LeftSlot,
  run: Run | null,
): 'begin again' | 'leave' | 'close' {
  if (!run || run.resumedBy !== null || !isToBeginAgain({ ...run, stopReason: run.stopReason ?? 'abandoned' }))
    return 'close';
  const planned = roster.get(scheduleKey(tenantId, schedule));
  const isOverLong = clock.now() - Math.max(leftAt, run.endedAt ?? 0) > returnMs;
  if (!planned) return isOverLong ? 'close' : 'leave';
  const part = planned.parts.find((it) => it.scopeId === scopeId);
  const hasHeirs = part !== undefined || scopeId === '' || instance.startsWith(`${scopeId}/`);
  if (!hasHeirs || attempts > planned.timetable.rules.retries || part?.refusal) return 'close';
  return run.status === 'running' || (mayGoOn(run) && !part && !isOverLong) ? 'leave' : 'begin again';
}

/** How a slot ends that has no other run. */
const endingBy = (run: Run | null): Ending =>
  !run || run.status === 'running' || run.stopReason === 'abandoned'
    ? { outcome: 'abandoned' }
    : { outcome: outcomeOf(run, false), ...toldBy(run) };

/** The run that is to be begun again. */
function failedBefore({ roster, clock }: TakeOverParts, { tenantId, schedule, attempts }: LeftSlot, run: Run): Failed {
  const rules = roster.get(scheduleKey(tenantId, schedule))?.timetable.rules;
  // Who has gone on from it meanwhile has done so for whoever begins it again, too.
  return failedOf({ ...run, resumedBy: null }, rules ?? { retryAfterMs: 0 }, attempts, clock.now());
}

function judge(
  { roster, clock, leaseTtlMs }: TakeOverParts,
  slot: LeftSlot,
  failed: Failed | undefined,
): Ending | 'take' | 'leave' {
  const { tenantId, schedule, scopeId, slotAt, instance, leftAt } = slot;
  const planned: PlannedSchedule | undefined = roster.get(scheduleKey(tenantId, schedule));
  const isWithinReach = planned?.parts.some((it) => it.scopeId === scopeId) === true;
  const message = slot.message ?? waited(failed, 'process died');
  // Processes are named after their machines, which come back; they themselves do not.
  if (!isWithinReach && scopeId !== '' && !instance.startsWith(`${scopeId}/`)) return { outcome: 'abandoned', message };
  const lateMs = clock.now() - Math.max(leftAt, failed?.retryAt ?? leftAt);
  if (!planned) return lateMs > returnMs ? { outcome: 'abandoned', message } : 'leave';
  if (lateMs > Math.max(graceOf(planned.timetable, slotAt), leaseTtlMs + promptMs)) {
    const why = 'process was gone for longer than the grace';
    return { outcome: 'grace_passed', message: waited(failed, why) };
  }
  return isWithinReach ? 'take' : 'leave';
}
