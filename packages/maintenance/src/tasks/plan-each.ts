import type { OperationError } from '@dotmac/core';
import type { PlannedTarget, TaskPlan } from './plan.js';
import { failureOf } from './setback.js';
import type { PlanContext } from './task.js';

/**
 * Plans one policy after the other. One that fails keeps none of the others out of the plan: a warning names it, before all others.
 * Where all fail, the first says why: of what nothing can be said, there is no plan.
 */
export async function planEach<Policy extends { readonly name: string }>(
  context: PlanContext,
  policies: readonly Policy[],
  plan: (policy: Policy) => Promise<readonly PlannedTarget[] | TaskPlan>,
): Promise<TaskPlan> {
  const targets: PlannedTarget[] = [];
  const warnings: string[] = [];
  const faults: { name: string; fault: OperationError }[] = [];
  for (const policy of policies) {
    context.signal.throwIfAborted();
    const { name } = policy;
    try {
      const made = await plan(policy);
      const { targets: own, warnings: said } = 'targets' in made ? made : { targets: made, warnings: [] };
      targets.push(...own);
      warnings.push(...said);
    } catch (error) {
      context.signal.throwIfAborted();
      faults.push({ name, fault: failureOf(context, name, error) });
    }
  }
  if (faults[0] && faults.length === policies.length) throw faults[0].fault;
  if (faults.length === 0) return { targets, warnings };
  const said = faults.map(({ name, fault }) => `${name}: ${fault.message}`);
  return { targets, warnings: [...said, ...warnings], failed: faults.map(({ name }) => name) };
}
