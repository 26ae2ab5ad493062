import type { Run, TargetPace } from '../runs/run.js';
import type { PlannedTarget, TaskPlan } from '../tasks/plan.js';

/** Runs, the newest first. */
type Runs = readonly Pick<Run, 'progress'>[];

/** So many of the newest runs with a target are taken together: days differ. */
const taken = 5;
/** Shorter work is mostly its beginning. */
const shortestSeconds = 1;

/** The median, the lower of two. */
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] as number;

const worked = ({ seconds }: TargetPace): number => seconds * 1_000;
const returned = ({ bytes }: TargetPace): number => bytes;

/**
 * What one item took of something in the newest runs that worked on a target; null when none did so for long enough.
 * @param by the items: those that were looked at, or those that were done with
 */
export function perItem(
  runs: Runs,
  target: string,
  by: 'seen' | 'settled',
  taking: (pace: TargetPace) => number,
): number | null {
  const paces = runs
    .flatMap(({ progress }) => progress?.targets ?? [])
    .filter((it) => it.target === target && it[by] > 0 && it.seconds >= shortestSeconds)
    .slice(0, taken);
  return paces.length === 0 ? null : median(paces.map((it) => taking(it) / it[by]));
}

/**
 * A plan with what earlier runs say of how long it takes, and of how much it gives back, where the task does not know better.
 * The time is one of work: for how long the application will make the run wait nobody knows. It goes by the items that are
 * looked at where the plan says how many these are (a directory of a million files takes its time if ten of them go), and
 * else by those that are done with.
 */
export function estimated(plan: TaskPlan, runs: Runs): TaskPlan {
  return { ...plan, targets: plan.targets.map((it) => ({ ...it, ...timeOf(it, runs), ...roomOf(it, runs) })) };
}

function timeOf({ target, items, toSee, estimatedFrom }: PlannedTarget, runs: Runs): Partial<PlannedTarget> {
  if (estimatedFrom === 'earlier_runs') return {};
  const ms = perItem(runs, target, toSee === null ? 'settled' : 'seen', worked);
  return ms === null ? {} : { estimatedMs: Math.ceil((toSee ?? items) * ms), estimatedFrom: 'earlier_runs' };
}

function roomOf({ target, items, bytesFrom }: PlannedTarget, runs: Runs): Partial<PlannedTarget> {
  const bytes = bytesFrom === 'measured' ? null : perItem(runs, target, 'settled', returned);
  return bytes === null || bytes <= 0 ? {} : { bytes: Math.round(items * bytes), bytesFrom: 'earlier_runs' };
}
