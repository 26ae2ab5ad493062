import { readPlan } from '../plans/kept-plan.js';
import type { MaintenanceStore } from '../store/store.js';
import { goneOnFrom } from './gone-on-from.js';
import type { Run } from './run.js';
import type { TargetSize } from './targets.js';

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
  for await (const before of goneOnFrom(store, run)) {
    for (const { target, settled } of before.progress?.targets ?? []) {
      const size = sizes.get(target);
      if (size) sizes.set(target, { planned: less(size.planned, settled), toSee: less(size.toSee, settled) });
    }
  }
  return sizes;
}

const less = (items: number | null, gone: number): number | null => items && Math.max(0, items - gone);
