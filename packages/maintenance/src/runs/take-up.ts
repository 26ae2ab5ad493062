import { describeError, isOperationError, type Clock, type Logger } from '@dotmac/core';
import { scheduleKey } from '../schedule/planned.js';
import type { Roster } from '../schedule/roster.js';
import { withinTimeout } from '../schedule/time-out.js';
import { createTaskChooser, type ChooseParts } from '../tasks/choose.js';
import { scopeOf } from '../tasks/task.js';
import type { ScopeIds } from './lease-keys.js';
import { isLeftOff, mayGoOn } from './left-off.js';
import { isResumable, type Run } from './run.js';
import type { Runner } from './runner.js';
import type { RunRequest } from './request.js';

/** What {@link takeUp} works with. */
export interface TakeUpParts extends Pick<ChooseParts, 'policies' | 'tasks'> {
  runner: Runner;
  scopeIds: ScopeIds;
  roster: Roster;
  clock: Clock;
  logger: Logger;
}

/** Is a run whose process died one that {@link takeUp} may go on with on another machine, or in a process with its task, and not here? */
export function isForOthers(
  run: Run,
  { policies, tasks, scopeIds }: Pick<TakeUpParts, 'policies' | 'tasks' | 'scopeIds'>,
): boolean {
  if (!mayGoOn(run)) return false;
  const task = tasks.get(run.task);
  if (!task) return true;
  try {
    const { tenantId } = run;
    const { parameters } = createTaskChooser({ tenantId, policies, tasks }).fromWire(run.task, run.parameters);
    const scope = scopeOf(task, parameters);
    // A machine comes back; a process does not.
    return scope !== 'process' && scopeIds[scope] !== run.scopeId;
  } catch {
    return false;
  }
}

/** What a schedule says of a run that goes on now; undefined when it is to have none: it is gone, paused, or its window is shut. */
async function termsOf(
  { tenantId, trigger, schedule }: Run,
  { roster, clock }: Pick<TakeUpParts, 'roster' | 'clock'>,
): Promise<({ timeoutMs: number | null } & Pick<RunRequest, 'schedule' | 'until'>) | undefined> {
  if (trigger !== 'schedule' || schedule === null) return { timeoutMs: null };
  await roster.refresh();
  const planned = roster.get(scheduleKey(tenantId, schedule));
  const now = clock.now();
  if (!planned || planned.pausedAt !== null || !planned.timetable.hours.isOpen(now)) return undefined;
  const { hours, rules } = planned.timetable;
  const until = hours.closesAt(now);
  return { timeoutMs: rules.timeoutMs, schedule, ...(until !== null && { until }) };
}

/**
 * Goes on with a run whose process died, or with a schedule's whose process was stopped, if nobody has cancelled it, it had kept where it was, its things are within reach, and its schedule
 * would begin it now. Once: what was taken up and dies again may be what kills processes, and waits for somebody who
 * resumes it.
 */
export async function takeUp(run: Run, parts: TakeUpParts): Promise<void> {
  const { runner, policies, tasks, scopeIds, logger } = parts;
  const task = tasks.get(run.task);
  if (!task || !isLeftOff(run) || !mayGoOn(run) || !isResumable(run)) return;
  const { tenantId } = run;
  try {
    const { parameters } = createTaskChooser({ tenantId, policies, tasks }).fromWire(run.task, run.parameters);
    if (scopeIds[scopeOf(task, parameters)] !== run.scopeId) return;
    const terms = await termsOf(run, parts);
    if (!terms) return;
    const { timeoutMs, ...more } = terms;
    const identity = { tenantId, actor: 'system' };
    const request = { identity, task, parameters, trigger: 'recovery' as const, resumes: run, ...more };
    withinTimeout(parts, await runner.begin(request), timeoutMs).catch(() => undefined);
  } catch (error) {
    // The next slot, or somebody who resumes it, will do; or somebody has.
    if (!isOperationError(error, 'TASK_ALREADY_RUNNING') && !isOperationError(error, 'RUN_NOT_RESUMABLE'))
      logger.warn({ runId: run.id, ...describeError(error) }, 'a run that was left off was not taken up');
  }
}
