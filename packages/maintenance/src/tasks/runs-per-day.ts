import type { PlanContext, ScheduledTask } from './task.js';

type Scheduled = Pick<PlanContext, 'schedules'>;

function schedulesOf(context: Scheduled, policy: string): ScheduledTask[] {
  return context.schedules().filter(({ parameters }) => {
    const { policies } = parameters as { policies?: readonly string[] };
    return policies === undefined || policies.includes(policy);
  });
}

/** How often a policy's turn comes by the schedules of the task; once a day where there are none. */
export function runsPerDay(context: Scheduled, policy: string): number {
  return schedulesOf(context, policy).reduce((sum, it) => sum + it.runsPerDay, 0) || 1;
}

/** How long a run of the policy may take by these schedules, on the average; Infinity where one is not ended, or there are none. */
export function secondsPerRun(context: Scheduled, policy: string): number {
  const those = schedulesOf(context, policy).filter((it) => it.runsPerDay > 0);
  if (those.length === 0) return Infinity;
  const perDayMs = those.reduce((sum, it) => sum + it.runsPerDay * (it.longestMs ?? Infinity), 0);
  return perDayMs / 1_000 / runsPerDay(context, policy);
}
