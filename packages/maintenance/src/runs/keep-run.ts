import type { Clock } from '@dotmac/core';
import { maintenanceErrors } from '../errors.js';
import type { SlotTurn } from '../schedule/slot.js';
import type { TenantRuns } from '../store/store.js';
import { isOutOfReach, untilAnswered, type Asking } from '../store/until-answered.js';
import type { Run } from './run.js';

/** Somebody waits for the answer that long; who begins a slot asks again by himself. */
const patienceMs = 5_000;

/**
 * Keeps a run that begins, or finds that it was kept: by this try or one before, whose answer was lost. It may be over by then, ended by
 * others as a dead process's.
 * @throws STORE_UNAVAILABLE when that is not known: at once where it is for a slot, else after some seconds
 * @throws RUN_NOT_RESUMABLE, PLAN_APPLIED, SLOT_LOST when another has what it is to take
 */
export async function keepRun(
  runs: Pick<TenantRuns, 'insert' | 'get'>,
  run: Run,
  slot: SlotTurn | undefined,
  asking: Pick<Asking, 'logger' | 'signal'> & { clock: Clock },
): Promise<Run> {
  let answer: { taken: boolean } | { error: unknown };
  try {
    answer = { taken: await runs.insert(run, slot) };
  } catch (error) {
    answer = { error };
  }
  if ('taken' in answer && answer.taken) return run;
  const until = asking.clock.monotonic() + (slot ? 0 : patienceMs);
  const mayPass = (error: unknown): boolean => isOutOfReach(error) && asking.clock.monotonic() < until;
  const kept = await untilAnswered(() => runs.get(run.id), { ...asking, mayPass });
  if (kept) return kept;
  if ('error' in answer) throw answer.error;
  const { resumes: id } = run;
  if (id !== null)
    throw maintenanceErrors.RUN_NOT_RESUMABLE({ id, resumedBy: (await runs.get(id))?.resumedBy ?? null });
  if (slot) throw maintenanceErrors.SLOT_LOST({ schedule: slot.schedule });
  throw maintenanceErrors.PLAN_APPLIED({ id: String(run.planId) });
}
