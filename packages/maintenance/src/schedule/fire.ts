import { describeError, isOperationError } from '@dotmac/core';
import { isLeftOff, mayGoOn } from '../runs/left-off.js';
import { untilAnswered } from '../store/until-answered.js';
import { beginOrYield } from './begin-or-yield.js';
import { failedOf, isToBeginAgain, outcomeOf, toldBy, waited, type Ending, type Failed } from './ending.js';
import { slotOutcomes } from './slot.js';
import { withinTimeout } from './time-out.js';
import type { Begun, FireParts, TakenSlot, Turn } from './turn.js';

/** It waits, and its process does so no more. */
type Left = { left: string };

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
