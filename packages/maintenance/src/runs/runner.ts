import { createHash } from 'node:crypto';
import {
  describeError,
  holdLease,
  isOperationError,
  newId,
  type Clock,
  type Emitter,
  type Logger,
  type ScopeIdentity,
} from '@dotmac/core';
import { wireOf } from '@dotmac/core/contract';
import { maintenanceErrors } from '../errors.js';
import { maintenanceEvents, type MaintenanceEvents } from '../events.js';
import { policiesOf, type PolicySet } from '../policies/policy-set.js';
import type { MaintenanceStore } from '../store/store.js';
import type { AnyMaintenanceTask, TaskContext, TaskReport } from '../tasks/task.js';
import type { Run, RunOutcome } from './run.js';

/** What runs are made of. */
export interface RunnerOptions {
  store: MaintenanceStore;
  policies: PolicySet;
  clock: Clock;
  logger: Logger;
  events: Emitter<MaintenanceEvents>;
  /** How long a dead process keeps others from its tasks. Ms. */
  leaseTtlMs: number;
}

/** Which run is wanted. The parameters are checked already. */
export interface RunRequest {
  identity: ScopeIdentity;
  task: AnyMaintenanceTask;
  parameters: unknown;
  trigger: Run['trigger'];
  schedule?: string;
}

/** Executes tasks, one run of a task and tenant at a time, among all processes on the store. */
export interface Runner {
  /**
   * Begins a run.
   * @returns the run as it began, and its end
   * @throws TASK_ALREADY_RUNNING
   * @throws MAINTENANCE_STOPPED after `stop`
   */
  begin(request: RunRequest): Promise<{ run: Run; ended: Promise<Run> }>;
  /** Marks runs as failed whose process has died. */
  recover(): Promise<number>;
  /** Ends what runs, after its batch. */
  stop(): Promise<void>;
  resume(): void;
}

const failedRun = { itemsProcessed: 0, itemsCleaned: 0, bytesFreed: 0, details: {} };
const mostRecovered = 1_000;

/** Resources have names of any length and characters; a lease's key has not. */
const leaseKey = (...parts: string[]): string =>
  `maintenance:${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}`;
const taskKey = (tenantId: string, task: string): string => leaseKey('task', tenantId, task);

/** @see Runner */
export function createRunner({ store, policies, clock, logger, events, leaseTtlMs }: RunnerOptions): Runner {
  const active = new Set<Promise<unknown>>();
  let stopping = new AbortController();

  const execute = async (request: RunRequest, run: Run, signal: AbortSignal): Promise<Run> => {
    const { identity, task, parameters } = request;
    const context: TaskContext = {
      runId: run.id,
      tenantId: identity.tenantId,
      policies: policiesOf(policies, identity.tenantId),
      clock,
      logger,
      signal,
      async exclusively(resource, work) {
        const held = await holdLease(
          store.leases,
          leaseKey('resource', resource),
          { ttlMs: leaseTtlMs, clock, signal },
          work,
        );
        return held.held ? held.result : null;
      },
    };
    const outcome = await task.run(context, parameters).then(
      (report) => completed(task, report, clock.now()),
      (error: unknown) => failed(error, run, signal),
    );
    await store.runs(identity.tenantId).finish(run.id, outcome);
    const ended = { ...run, ...outcome };
    tell(identity, ended);
    return ended;
  };

  const failed = (error: unknown, { id, task }: Run, signal: AbortSignal): RunOutcome => {
    const endedAt = clock.now();
    if (stopping.signal.aborted && signal.aborted)
      return {
        ...failedRun,
        status: 'cancelled',
        endedAt,
        errorCode: 'CANCELLED',
        errorMessage: 'The run was stopped.',
      };
    logger.error({ runId: id, task, ...describeError(error) }, 'a maintenance task failed');
    // Only our own errors are worded for callers.
    const [errorCode, errorMessage] = isOperationError(error)
      ? [error.code, error.message]
      : ['INTERNAL', 'The task failed unexpectedly; the log has the details.'];
    return { ...failedRun, status: 'failed', endedAt, errorCode, errorMessage };
  };

  const tell = (identity: ScopeIdentity, run: Run): void => {
    const about = { ...identity, subject: run.id, at: clock.now() };
    const data = { runId: run.id, task: run.task };
    const { status, itemsProcessed, itemsCleaned, bytesFreed } = run;
    if (status === 'running')
      events.emit(
        maintenanceEvents.create('maintenance.run_started', { ...about, data: { ...data, trigger: run.trigger } }),
      );
    else if (status === 'failed') {
      const why = { code: run.errorCode ?? 'INTERNAL', message: run.errorMessage ?? '' };
      events.emit(maintenanceEvents.create('maintenance.run_failed', { ...about, data: { ...data, ...why } }));
    } else {
      const durationMs = (run.endedAt ?? run.startedAt) - run.startedAt;
      const counts = { status, itemsProcessed, itemsCleaned, bytesFreed, durationMs };
      events.emit(maintenanceEvents.create('maintenance.run_completed', { ...about, data: { ...data, ...counts } }));
    }
  };

  return {
    async begin(request) {
      const { identity, task, trigger, schedule = null } = request;
      if (stopping.signal.aborted) throw maintenanceErrors.MAINTENANCE_STOPPED({});
      const run: Run = {
        ...failedRun,
        id: newId(),
        tenantId: identity.tenantId,
        task: task.type,
        trigger,
        schedule,
        actor: identity.actor,
        status: 'running',
        startedAt: clock.now(),
        endedAt: null,
        errorCode: null,
        errorMessage: null,
      };
      let begun = (): void => {};
      const beginning = new Promise<void>((resolve) => (begun = resolve));
      const options = { ttlMs: leaseTtlMs, clock, signal: stopping.signal };
      // The row is made and ended under the lease: a running row without a lease is a dead process's.
      const work = holdLease(store.leases, taskKey(identity.tenantId, task.type), options, async (signal) => {
        await store.runs(identity.tenantId).insert(run);
        tell(identity, run);
        begun();
        return execute(request, run, signal);
      }).then((held) => {
        if (!held.held) throw maintenanceErrors.TASK_ALREADY_RUNNING({ task: task.type });
        return held.result;
      });
      active.add(work);
      const forget = (): void => void active.delete(work);
      work.then(forget, forget);
      await Promise.race([beginning, work]);
      return { run, ended: work };
    },

    async recover() {
      let recovered = 0;
      for (const run of await store.runningRuns(mostRecovered)) {
        const options = { ttlMs: leaseTtlMs, clock };
        await holdLease(store.leases, taskKey(run.tenantId, run.task), options, async () => {
          const errorMessage = 'The process that ran it ended before the run did.';
          const outcome: RunOutcome = {
            ...failedRun,
            status: 'failed',
            endedAt: clock.now(),
            errorCode: 'ABANDONED',
            errorMessage,
          };
          if (!(await store.runs(run.tenantId).finish(run.id, outcome))) return;
          recovered += 1;
          tell({ tenantId: run.tenantId, actor: 'system' }, { ...run, ...outcome });
        });
      }
      return recovered;
    },

    async stop() {
      stopping.abort(maintenanceErrors.MAINTENANCE_STOPPED({}));
      await Promise.allSettled([...active]);
    },
    resume() {
      if (stopping.signal.aborted) stopping = new AbortController();
    },
  };
}

function completed(task: AnyMaintenanceTask, report: TaskReport<unknown>, endedAt: number): RunOutcome {
  const { itemsProcessed, itemsCleaned, bytesFreed, details, skipped = false } = report;
  return {
    status: skipped ? 'skipped' : 'completed',
    endedAt,
    itemsProcessed: Math.max(itemsProcessed, itemsCleaned),
    itemsCleaned,
    bytesFreed,
    errorCode: null,
    errorMessage: skipped ? 'Other runs were at everything it had to do.' : null,
    details: wireOf(task.details).render(details) as Run['details'],
  };
}
