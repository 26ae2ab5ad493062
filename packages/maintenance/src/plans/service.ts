import { isOperationError, type Clock, type ScopeIdentity } from '@dotmac/core';
import { idPageQuery, pageAfter, type Page } from '@dotmac/core/contract';
import { maintenanceErrors } from '../errors.js';
import { earlierDetails } from '../runs/earlier.js';
import { elsewhere, type ScopeIds } from '../runs/lease-keys.js';
import { resultOf } from '../runs/result.js';
import type { Run } from '../runs/run.js';
import type { Runner, RunnerOptions } from '../runs/runner.js';
import type { ExecuteBody, MaintenanceResult } from '../runs/schemas.js';
import { detached } from '../runs/service.js';
import type { MaintenanceStore } from '../store/store.js';
import type { TaskChooser } from '../tasks/choose.js';
import type { TaskPlan } from '../tasks/plan.js';
import { scopeOf, type PlanContext } from '../tasks/task.js';
import { driftOf, unseenSince } from './drift.js';
import { readPlan, type KeptPlan } from './kept-plan.js';
import type { MaintenancePlan } from './schemas.js';

/** The plans of one tenant: what runs would do, to be looked at and then applied. */
export interface PlanService {
  /**
   * Finds out what a run would do; changes nothing.
   * @throws INVALID_INPUT for an unknown type or parameters that it does not take
   * @throws POLICY_UNDERCUT when they are less careful than a policy allows
   */
  create(request: ExecuteBody): Promise<MaintenancePlan>;
  /** @throws PLAN_NOT_FOUND */
  get(id: string): Promise<MaintenancePlan>;
  /** The newest first; those that were written by a version that knew much less, or more, left out. */
  list(query: { limit: number; cursor?: string | undefined }): Promise<Page<MaintenancePlan>>;
  /**
   * Does what a plan says, once; resolves when the run has ended. Ages are counted from when the plan was made.
   * @throws PLAN_NOT_FOUND, PLAN_EXPIRED, PLAN_APPLIED, POLICY_UNDERCUT, TASK_ALREADY_RUNNING
   * @throws PLAN_ELSEWHERE when it was made of the things of another host, or process
   * @throws PLAN_DRIFTED when configuration or schema have changed, or a count by more than a fifth
   * @throws PLAN_NOT_MADE when what it would do now cannot be found out, of one of its policies too: it can be applied later
   */
  apply(id: string): Promise<MaintenanceResult>;
  /** As `apply`, but resolves as soon as the run has begun. */
  beginApply(id: string): Promise<MaintenanceResult>;
}

/** What the service works with. */
export interface PlanServiceParts {
  identity: ScopeIdentity;
  store: MaintenanceStore;
  runner: Runner;
  chooser: TaskChooser;
  context: Omit<PlanContext, 'asOf' | 'tenantId' | 'signal' | 'schedules' | 'earlier' | 'fencing'>;
  schedulesOf: RunnerOptions['schedulesOf'];
  scopeIds: ScopeIds;
  clock: Clock;
}

/** @see PlanService */
export function createPlanService(parts: PlanServiceParts): PlanService {
  const { identity, store, runner, chooser, context, schedulesOf, scopeIds, clock } = parts;
  const { tenantId } = identity;
  const own = store.plans(tenantId);
  const known = async (id: string): Promise<KeptPlan> => {
    const plan = await own.get(id);
    if (!plan) throw maintenanceErrors.PLAN_NOT_FOUND({ id });
    return plan;
  };
  const begin = async (id: string): Promise<{ run: Run; ended: Promise<Run> }> => {
    const kept = await known(id);
    if (kept.appliedBy !== null) throw maintenanceErrors.PLAN_APPLIED({ id });
    if (clock.now() >= kept.expiresAt) throw maintenanceErrors.PLAN_EXPIRED({ id });
    const chosen = chooser.fromWire(kept.task, { ...kept.parameters, dry_run: false });
    const scope = scopeOf(chosen.task, chosen.parameters);
    const whose = kept.scopeId === null ? null : elsewhere(scopeIds, scope, kept.scopeId);
    if (whose !== null) throw maintenanceErrors.PLAN_ELSEWHERE({ id, whose });
    const claim = async (signal: AbortSignal): Promise<void> => {
      const schedules = () => schedulesOf(tenantId, kept.task);
      const earlier: PlanContext['earlier'] = (limit, scopeId) =>
        earlierDetails(store, tenantId, chosen.task, limit, { scopeId });
      const fencing: PlanContext['fencing'] = (database) => store.fencing(database);
      const planning = { ...context, tenantId, schedules, earlier, fencing, asOf: kept.asOf, signal };
      // By the very parameters that it was made by: a task may have them in its fingerprints.
      const parameters = { ...(chosen.parameters as object), dryRun: true };
      const now = await chosen.task.plan(planning, parameters as never).catch((error: unknown) => {
        if (signal.aborted || !isOperationError(error)) throw error;
        // As it is now there is nothing that the policy could do.
        if (error.code === 'TABLE_NOT_MAINTAINABLE') throw maintenanceErrors.PLAN_DRIFTED({ drift: worded(error) });
        throw maintenanceErrors.PLAN_NOT_MADE({ task: kept.task, reason: error.message }, { cause: error });
      });
      const [unseen] = unseenSince(planOf(kept), now);
      if (unseen !== undefined) throw maintenanceErrors.PLAN_NOT_MADE({ task: kept.task, reason: unseen });
      const drift = driftOf(planOf(kept), now);
      if (drift.length > 0) throw maintenanceErrors.PLAN_DRIFTED({ drift: drift.slice(0, 10).join('; ') });
    };
    const plan = { id, asOf: kept.asOf };
    return runner.begin({ identity, trigger: 'request', ...chosen, plan, confirmed: true, claim });
  };

  return {
    async create({ maintenanceType, parameters }) {
      const chosen = chooser.fromWire(maintenanceType, { ...parameters, dry_run: true });
      const { ended } = await runner.begin({ identity, trigger: 'request', ...chosen });
      const { planId, errorCode, errorMessage, stopReason, task } = await ended;
      if (errorCode !== null) throw maintenanceErrors.PLAN_NOT_MADE({ task, reason: errorMessage ?? errorCode });
      const plan = planId === null ? undefined : await own.get(planId);
      if (!plan) throw maintenanceErrors.PLAN_NOT_MADE({ task, reason: `it ended by ${stopReason}` });
      return viewOf(plan);
    },
    get: async (id) => viewOf(await known(id)),
    async list({ limit, cursor }) {
      const plans = await own.list({ limit: limit + 1, before: pageAfter(idPageQuery, cursor) ?? undefined });
      const kept = plans.slice(0, limit);
      const items = kept.filter((it) => readPlan(it) !== null).map(viewOf);
      return { items, nextCursor: plans.length > limit ? (kept.at(-1)?.id ?? null) : null };
    },
    apply: async (id) => resultOf(await (await begin(id)).ended),
    beginApply: async (id) => resultOf(detached(await begin(id))),
  };
}

/** A sentence as a part of another. */
const worded = ({ message }: Error): string => message.replace(/^The /, 'the ').replace(/\.$/, '');

function planOf(kept: KeptPlan): TaskPlan {
  const plan = readPlan(kept);
  if (!plan) throw maintenanceErrors.PLAN_EXPIRED({ id: kept.id });
  return plan;
}

function viewOf(kept: KeptPlan): MaintenancePlan {
  const { id, task, parameters, createdAt, expiresAt, appliedBy } = kept;
  return { id, taskName: task, parameters, plan: planOf(kept), createdAt, expiresAt, appliedBy };
}
