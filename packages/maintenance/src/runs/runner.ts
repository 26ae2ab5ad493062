import { describeError, holdLease, type Clock, type Emitter, type Logger } from '@dotmac/core';
import { maintenanceErrors } from '../errors.js';
import type { MaintenanceEvents } from '../events.js';
import { estimated } from '../plans/estimate.js';
import { keptPlan } from '../plans/kept-plan.js';
import { policiesOf, type PolicySet } from '../policies/policy-set.js';
import type { MaintenanceStore } from '../store/store.js';
import { untilAnswered } from '../store/until-answered.js';
import type { Controls } from '../tasks/controls.js';
import { scopeOf, type ScheduledTask } from '../tasks/task.js';
import type { Pressure } from '../throttle/pressure.js';
import { announcer } from './announce.js';
import { confirmedOf } from './confirmed.js';
import { createExecution, type Execution, type ExecutionParts } from './execution.js';
import { failureTeller, type RunFailureHook } from './failure-hooks.js';
import { foreseenOf } from './foreseen.js';
import { keepRun } from './keep-run.js';
import { taskKey, type ScopeIds } from './lease-keys.js';
import { limitsOf } from './limits.js';
import type { RunRequest } from './request.js';
import { newRun } from './new-run.js';
import { broken, ended, predicted, reported } from './outcome.js';
import { lastSignOf, type Run, type RunOutcome } from './run.js';

/** What runs are made of. */
export interface RunnerOptions {
  store: MaintenanceStore;
  policies: PolicySet;
  clock: Clock;
  logger: Logger;
  events: Emitter<MaintenanceEvents>;
  pressure: Pressure;
  scopeIds: ScopeIds;
  /** Is a run whose process died one that others may go on with, and this process cannot? */
  isForOthers(run: Run): boolean;
  /** The schedules by which a tenant's task runs. */
  schedulesOf(tenantId: string, taskType: string): ScheduledTask[];
  /** Called after a run has failed. */
  onRunFailed: readonly RunFailureHook[];
  /** How long a dead process keeps others from its tasks. Ms. */
  leaseTtlMs: number;
  /** As many items of a target may go unasked, whatever share of it they are. */
  unaskedItems: number;
}

/** Executes tasks, one run of a task and tenant at a time, among all processes on the store. */
export interface Runner {
  /**
   * Begins a run.
   * @returns the run as it began, and its end
   * @throws TASK_ALREADY_RUNNING
   * @throws RUN_NOT_RESUMABLE, PLAN_APPLIED when another run goes on from that run, or applies that plan
   * @throws SLOT_LOST when its slot is closed, or another process's
   * @throws MAINTENANCE_STOPPED after `stop`
   */
  begin(request: RunRequest): Promise<{ run: Run; ended: Promise<Run> }>;
  /** Ends a run of this process; false when it is not one. */
  cancel(runId: string): boolean;
  /**
   * Ends runs whose process has died: as cancelled where somebody asked for that, else as failed. With which this process cannot
   * go on it leaves for a quarter of an hour to those that can, and that may be about to come back. Those; `stop` leaves the rest.
   */
  recover(): Promise<Run[]>;
  /** Ends what runs, after its batch. */
  stop(): Promise<void>;
  resume(): void;
}

const mostRecovered = 1_000;
/** A machine begins anew within that. */
const returnMs = 900_000;
/** Runs that tell how long an item takes. */
const earlierRuns = (task: string, before: string) =>
  ({ limit: 50, task, status: 'completed', applied: true, brief: true, before }) as const;
const partlyFailed = 'a part of a maintenance task failed';

/** @see Runner */
export function createRunner(options: RunnerOptions): Runner {
  const { store, policies, clock, logger, events, scopeIds, leaseTtlMs } = options;
  const working = new Set<Promise<unknown>>();
  const executions = new Map<string, Execution>();
  const tell = announcer(events, clock);
  const tellHooks = failureTeller(options.onRunFailed, options);
  let stopping = new AbortController();

  // Clocks differ; by one that is far ahead it would be left to them until that time has come.
  const isLeftToOthers = (run: Run): boolean =>
    Math.abs(clock.now() - lastSignOf(run)) < returnMs && options.isForOthers(run);

  const perform = async ({ task, parameters }: RunRequest, run: Run, execution: Execution): Promise<RunOutcome> => {
    const { context, ready, ending } = execution;
    if (run.dryRun) {
      const earlier = await store.runs(run.tenantId).list(earlierRuns(task.type, run.id));
      const plan = estimated(await task.plan(context, parameters as never), earlier);
      await store.plans(run.tenantId).insert(keptPlan(run, plan, clock.now()));
      return predicted(run, plan, ending());
    }
    if (!(await ready())) {
      const { stopReason, pulse, endedAt } = ending();
      return ended(stopReason ?? 'pressure', pulse, endedAt);
    }
    const report = await task.run(context, parameters as never);
    if (report.fault) logger.error({ runId: run.id, task: run.task, ...describeError(report.fault) }, partlyFailed);
    return reported(task, report, ending());
  };

  /** Ends a run, or finds it ended so by a try whose answer was lost; false when it has another end. */
  const finish = async ({ tenantId, id }: Run, outcome: RunOutcome): Promise<boolean> => {
    const runs = store.runs(tenantId);
    if (await runs.finish(id, outcome)) return true;
    const kept = await runs.get(id);
    return kept?.stopReason === outcome.stopReason && kept.endedAt === outcome.endedAt;
  };

  const execute = async (
    request: RunRequest,
    run: Run,
    { foreseen, confirmed, lease }: Pick<ExecutionParts, 'foreseen' | 'confirmed' | 'lease'>,
  ): Promise<Run> => {
    const { identity, task, parameters, until } = request;
    const { signal } = stopping;
    const execution = createExecution({
      ...options,
      run,
      task,
      scope: scopeOf(task, parameters),
      limits: limitsOf(parameters as Controls, until),
      policies: policiesOf(policies, identity.tenantId),
      schedules: () => options.schedulesOf(identity.tenantId, task.type),
      foreseen,
      confirmed,
      lease,
      stopping: signal,
    });
    executions.set(run.id, execution);
    let outcome: RunOutcome;
    try {
      outcome = await perform(request, run, execution);
    } catch (error) {
      outcome = broken(error, execution.ending(error));
      const about = { runId: run.id, task: run.task, ...describeError(error) };
      if (outcome.stopReason === 'error') logger.error(about, 'a maintenance task failed');
    } finally {
      executions.delete(run.id);
      execution.close();
    }
    const over = { ...run, ...outcome };
    // Whoever took it for dead has told its end already.
    if (!(await untilAnswered(() => finish(run, outcome), { clock, logger, signal }))) return over;
    tell(identity, over);
    await tellHooks(over);
    return over;
  };

  return {
    async begin(request) {
      const { identity, task, claim, slot } = request;
      if (stopping.signal.aborted) throw maintenanceErrors.MAINTENANCE_STOPPED({});
      const run = newRun(request, scopeIds, clock.now());
      let begun = (_: Run): void => {};
      const beginning = new Promise<Run>((resolve) => (begun = resolve));
      const held = { ttlMs: leaseTtlMs, clock, signal: stopping.signal, owner: request.owner ?? run.id };
      // The row is made and ended under the lease: a running row without a lease is a dead process's.
      const work = holdLease(store.leases, taskKey(run), held, async (lease) => {
        const foreseen = await foreseenOf(store, run);
        const confirmed = await confirmedOf(store, run);
        await claim?.(lease);
        const kept = await keepRun(store.runs(identity.tenantId), run, slot, { clock, logger, signal: lease });
        if (kept.status !== 'running') return kept;
        // How late it is says the first of a slot's runs.
        tell(identity, kept, slot?.attempts === 1 ? slot.slotAt : undefined);
        begun(kept);
        return execute(request, kept, { foreseen, confirmed, lease });
      }).then((done) => {
        if (!done.held) throw maintenanceErrors.TASK_ALREADY_RUNNING({ task: task.type });
        return done.result;
      });
      working.add(work);
      const forget = (): void => void working.delete(work);
      work.then(forget, forget);
      return { run: await Promise.race([beginning, work]), ended: work };
    },

    cancel(runId) {
      const execution = executions.get(runId);
      execution?.cancel();
      return execution !== undefined;
    },

    async recover() {
      const recovered: Run[] = [];
      const told: Promise<void>[] = [];
      const { signal } = stopping;
      for (const found of await store.runningRuns(mostRecovered)) {
        if (signal.aborted) break;
        if (isLeftToOthers(found)) continue;
        await holdLease(store.leases, taskKey(found), { ttlMs: leaseTtlMs, clock }, async () => {
          const { tenantId } = found;
          const runs = store.runs(tenantId);
          // Since it was found it may have got on, and somebody may have cancelled it.
          const run = await runs.get(found.id);
          if (run === null) return;
          const outcome = ended(run.cancelRequestedAt === null ? 'abandoned' : 'cancelled', run, clock.now());
          if (!(await runs.finish(run.id, outcome))) return;
          tell({ tenantId, actor: 'system' }, { ...run, ...outcome });
          told.push(tellHooks({ ...run, ...outcome }));
          // As it is kept: it may have been cancelled up to its end.
          const kept = await runs.get(run.id);
          if (kept !== null) recovered.push(kept);
        });
      }
      await Promise.all(told);
      return recovered;
    },

    async stop() {
      stopping.abort(maintenanceErrors.MAINTENANCE_STOPPED({}));
      await Promise.allSettled([...working]);
    },
    resume() {
      if (stopping.signal.aborted) stopping = new AbortController();
    },
  };
}
