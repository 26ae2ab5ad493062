import type { PlannedTarget, TaskPlan } from '../tasks/plan.js';

/** How far a count may be from the planned one. */
export const mostDrift = 0.2;
const drifted = (now: number, then: number): boolean => Math.abs(now - then) > then * mostDrift;

/** What has changed since a plan was made that keeps it from being applied; empty when nothing has. */
export function driftOf(planned: TaskPlan, now: TaskPlan): string[] {
  const left = new Map(now.targets.map((it) => [it.target, it]));
  const drift = planned.targets.flatMap((then) => {
    const current = left.get(then.target);
    left.delete(then.target);
    if (!current) return [`${then.target} is not there any more`];
    if (current.fingerprint !== then.fingerprint)
      return [
        `the configuration or schema of ${then.target} is not what it was, or another version of dotmac planned it`,
      ];
    if (drifted(current.items, then.items))
      return [`${then.target} has ${current.items} items now, and had ${then.items}`];
    return cascadeDrift(then, current);
  });
  return [...drift, ...[...left.keys()].map((target) => `${target} has come in addition`)];
}

/** Why nothing can be said now of policies that the plan says something of; empty when all can be looked at. */
export function unseenSince(planned: TaskPlan, now: TaskPlan): string[] {
  const before = new Set(planned.failed);
  return (now.failed ?? []).flatMap((policy, place) => (before.has(policy) ? [] : [now.warnings[place] ?? policy]));
}

/** What goes along is a part of what was looked at: another table, or many more rows of one, is something else. */
function cascadeDrift(then: PlannedTarget, now: PlannedTarget): string[] {
  const [before, after] = [cascadesOf(then), cascadesOf(now)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((cascade) => {
    const [had, has] = [before.get(cascade), after.get(cascade)];
    if (had === undefined) return [`with ${then.target} goes now: ${cascade}`];
    if (has === undefined) return [`with ${then.target} does not go any more: ${cascade}`];
    if (had === has || !drifted(has, had)) return [];
    return [`${cascade} has ${has} items that go with ${then.target} now, and had ${had}`];
  });
}

/** By their tables, which several references may lead to; Infinity where they were too many to be counted in time. */
function cascadesOf({ cascades }: PlannedTarget): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { target, items } of cascades)
    counts.set(target, (counts.get(target) ?? 0) + (items < 0 ? Infinity : items));
  return counts;
}
