import { countIngest } from '../databases/rows/count.js';
import { forecast } from '../databases/rows/forecast.js';
import type { RowPlan } from '../databases/rows/plan-rows.js';
import type { Prepared } from '../databases/rows/prepared.js';
import { runsPerDay } from './runs-per-day.js';
import type { TargetProgress, TaskContext } from './task.js';

interface Ended {
  context: TaskContext;
  prepared: Prepared;
  plan: RowPlan;
  progress: TargetProgress;
}

/** Would runs like this one, which did not finish, keep up with what comes? */
export async function converging(
  { context, prepared, plan, progress }: Ended,
  { deleted, tookMs }: { deleted: number; tookMs: number },
) {
  const { policy, dialect, selection, facts } = prepared;
  const { items } = await countIngest(policy.on, dialect, selection, facts, context.asOf);
  const seconds = Math.max(0.001, tookMs / 1000);
  const rowsPerSecond = deleted / seconds;
  const { converges, days, warning } = forecast({
    ingestPerDay: items,
    backlog: Math.max(0, plan.due.items - deleted),
    // What ended this run is what limits the next ones.
    ...(progress.remaining === 0 || !plan.strategy.walk
      ? { rowsPerRun: deleted, secondsPerRun: Infinity, rowsPerSecond: Infinity }
      : { rowsPerRun: Infinity, secondsPerRun: seconds, rowsPerSecond }),
    runsPerDay: runsPerDay(context, prepared.name),
  });
  return {
    warning,
    figures: { ingestPerDay: items, deletedPerSecond: Math.round(rowsPerSecond), converges, daysToCatchUp: days },
  };
}
