import { z } from 'zod';
import { mostDrift } from '../plans/drift.js';
import { readPlan } from '../plans/kept-plan.js';
import type { MaintenanceStore } from '../store/store.js';
import { goneOnFrom } from './gone-on-from.js';
import type { Run } from './run.js';

const asking = z.object({ target: z.string(), planned: z.number(), total: z.number() });

/** A target of which more would go than may go unasked. */
export type Asked = z.output<typeof asking>;

/** What a run has in its details that waits for confirmations. */
const askingDetails = z.object({ asked: z.array(asking) });

/** What a run asks for; nothing when it waits for no confirmation. */
export function askedIn({ details }: Pick<Run, 'details'>): Asked[] {
  return askingDetails.safeParse(details).data?.asked ?? [];
}

/** How many items of a target may go because somebody has confirmed it. */
export type Confirmed = (target: string) => number;

/**
 * What was confirmed of a run, and of those that it goes on from: the targets that were asked for, and those of the plan
 * that it applies, each with as many items as it had then, or a fifth more.
 */
export async function confirmedOf(store: MaintenanceStore, run: Run): Promise<Confirmed> {
  if (!run.confirmed) return () => 0;
  const most = new Map<string, number>();
  const confirm = (target: string, items: number): void => {
    if (!most.has(target)) most.set(target, items * (1 + mostDrift));
  };
  for await (const before of goneOnFrom(store, run)) {
    for (const { target, planned } of askedIn(before)) confirm(target, planned);
    if (!before.confirmed) break;
  }
  const plan = run.planId === null ? null : await store.plans(run.tenantId).get(run.planId);
  for (const { target, items } of (plan && readPlan(plan))?.targets ?? []) confirm(target, items);
  return (target) => most.get(target) ?? 0;
}
