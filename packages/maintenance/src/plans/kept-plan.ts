import { wireOf } from '@dotmac/core/contract';
import type { Run } from '../runs/run.js';
import { taskPlan, type TaskPlan } from '../tasks/plan.js';

/** A plan as stores keep it. */
export interface KeptPlan {
  /** UUIDv7: newer plans have greater ids. */
  id: string;
  tenantId: string;
  /** The type of its task. */
  task: string;
  actor: string;
  /** The machine or process whose things were looked at; empty when all processes share them, null in plans of older versions. */
  scopeId: string | null;
  /** In wire form. */
  parameters: Record<string, unknown>;
  /** In wire form. */
  plan: Record<string, unknown>;
  /** The instant that ages are counted from. Epoch ms. */
  asOf: number;
  createdAt: number;
  /** From then on it is not applied any more. */
  expiresAt: number;
  /** The run that applies it. */
  appliedBy: string | null;
}

/** What targets of older versions do not say. In wire form. */
const notTold = { to_see: null, bytes_from: null, estimated_from: null };

/** What a plan says; null when it was written by a version that knew much less, or more. */
export function readPlan({ plan }: KeptPlan): TaskPlan | null {
  const { targets } = plan;
  const told = Array.isArray(targets) ? targets.map((it: object) => ({ ...notTold, ...it })) : targets;
  const parsed = wireOf(taskPlan).parse({ ...plan, targets: told });
  return parsed.ok ? parsed.value : null;
}

const lifetimeMs = 24 * 3_600_000;

/** The plan that a dry run made. */
export function keptPlan(
  { planId, tenantId, task, scopeId, actor, parameters, asOf }: Run,
  plan: TaskPlan,
  now: number,
): KeptPlan {
  return {
    id: planId as string,
    tenantId,
    task,
    scopeId,
    actor,
    parameters,
    plan: wireOf(taskPlan).render(plan) as KeptPlan['plan'],
    asOf,
    createdAt: now,
    expiresAt: now + lifetimeMs,
    appliedBy: null,
  };
}
