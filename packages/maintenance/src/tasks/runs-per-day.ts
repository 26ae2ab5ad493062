import type { PlanContext } from './task.js';

/** How often a policy's turn comes by the schedules of the task; once a day where there are none. */
export function runsPerDay(context: Pick<PlanContext, 'schedules'>, policy: string): number {
  const those = context.schedules().filter(({ parameters }) => {
    const { policies } = parameters as { policies?: readonly string[] };
    return policies === undefined || policies.includes(policy);
  });
  return those.reduce((sum, it) => sum + it.runsPerDay, 0) || 1;
}
