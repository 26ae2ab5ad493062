import type { TaskPlan } from '../tasks/plan.js';

/** How far a count may be from the planned one. */
const mostDrift = 0.2;

/** What has changed since a plan was made that keeps it from being applied; empty when nothing has. */
export function driftOf(planned: TaskPlan, now: TaskPlan): string[] {
  const left = new Map(now.targets.map((it) => [it.target, it]));
  const drift = planned.targets.flatMap((then) => {
    const current = left.get(then.target);
    left.delete(then.target);
    if (!current) return [`${then.target} is not there any more`];
    if (current.fingerprint !== then.fingerprint)
      return [`the configuration or schema of ${then.target} is not what it was`];
    if (Math.abs(current.items - then.items) <= then.items * mostDrift) return [];
    return [`${then.target} has ${current.items} items now, and had ${then.items}`];
  });
  return [...drift, ...[...left.keys()].map((target) => `${target} has come in addition`)];
}
