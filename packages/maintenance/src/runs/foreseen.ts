import { readPlan } from '../plans/kept-plan.js';
import type { MaintenanceStore } from '../store/store.js';
import type { Run } from './run.js';
import type { TargetSize } from './targets.js';

/** Longer chains of runs that go on from each other are not followed to their beginning. */
const mostRuns = 100;

/**
 * What there is to do of each target, as the plan says that a run applies, without what the runs have done that it goes on from.
 * Nothing where it applies none.
 */
export async function foreseenOf(store: MaintenanceStore, run: Run): Promise<Map<string, TargetSize>> {
  const sizes = new Map<string, TargetSize>();
  if (run.dryRun || run.planId === null) return sizes;
  const kept = await store.plans(run.tenantId).get(run.planId);
  for (const { target, items, toSee } of (kept && readPlan(kept))?.targets ?? [])
    sizes.set(target, { planned: items, toSee });
  const runs = store.runs(run.tenantId);
  let { resumes } = run;
  for (let count = 0; resumes !== null && count < mostRuns; count++) {
    const before = await runs.get(resumes);
    for (const { target, settled } of before?.progress?.targets ?? []) {
      const size = sizes.get(target);
      if (size) sizes.set(target, { planned: less(size.planned, settled), toSee: less(size.toSee, settled) });
    }
    resumes = before?.resumes ?? null;
  }
  return sizes;
}

const less = (items: number | null, gone: number): number | null => items && Math.max(0, items - gone);
