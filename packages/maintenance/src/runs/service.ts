import type { Clock, ScopeIdentity } from '@dotmac/core';
import { idPageQuery, pageAfter } from '@dotmac/core/contract';
import type { z } from 'zod';
import { maintenanceErrors } from '../errors.js';
import type { MaintenanceStore } from '../store/store.js';
import type { Chosen, TaskChooser } from '../tasks/choose.js';
import { scopeOf } from '../tasks/task.js';
import { askedIn } from './confirmed.js';
import type { RunFollower } from './follow.js';
import { elsewhere, type ScopeIds } from './lease-keys.js';
import { resultOf, runViewOf } from './result.js';
import { isResumable, type Run } from './run.js';
import type { Runner } from './runner.js';
import type { RunRequest } from './request.js';
import type {
  ExecuteBody,
  ListedRun,
  MaintenanceResult,
  MaintenanceRun,
  RunEvent,
  runPage,
  runsQuery,
} from './schemas.js';

/** Which runs to list. */
export type RunListAsk = z.output<typeof runsQuery> & {
  /** With the `details` of each, which may be long. Default false: they are null. */
  details?: boolean;
};

/** The runs of one tenant. */
export interface RunService {
  /**
   * Executes a task by its type, parameters in wire form; resolves when it has ended. A task that fails resolves too, with status `failed`.
   * @throws INVALID_INPUT for an unknown type or parameters that it does not take
   * @throws POLICY_UNDERCUT when they are less careful than a policy allows
   * @throws TASK_ALREADY_RUNNING
   */
  execute(request: ExecuteBody): Promise<MaintenanceResult>;
  /** As `execute`, but resolves as soon as the run has begun. */
  begin(request: ExecuteBody): Promise<MaintenanceResult>;
  /** Executes a task, parameters as its schema has them (camelCase). */
  run(type: string, parameters: object): Promise<MaintenanceResult>;
  /** As `run`, but resolves as soon as the run has begun. */
  beginRun(type: string, parameters: object): Promise<MaintenanceResult>;
  /** @throws RUN_NOT_FOUND */
  get(id: string): Promise<MaintenanceRun>;
  /** The newest first. */
  list(query: RunListAsk): Promise<z.output<typeof runPage>>;
  /**
   * Has a run end after the batch that is under way, in whichever process it is.
   * @throws RUN_NOT_FOUND, RUN_NOT_ACTIVE
   */
  cancel(id: string): Promise<MaintenanceResult>;
  /**
   * Begins a run that goes on where this one ended.
   * @throws RUN_NOT_FOUND, RUN_NOT_RESUMABLE, RUN_ELSEWHERE, TASK_ALREADY_RUNNING
   */
  resume(id: string): Promise<MaintenanceResult>;
  /**
   * Begins the run again that would have cleaned more of some targets than may go unasked. Their items may have become a
   * fifth more meanwhile; of more, or of another target, it asks anew.
   * @throws RUN_NOT_FOUND, RUN_NOT_UNCONFIRMED, CONFIRMATION_EXPIRED, RUN_ELSEWHERE, TASK_ALREADY_RUNNING
   */
  confirm(id: string): Promise<MaintenanceResult>;
  /**
   * What a run says of itself, until it has ended.
   * @param lastEventId what was told last to who comes again: it is told anew only where it is the end
   * @throws RUN_NOT_FOUND, STREAM_LIMIT_REACHED, STREAMS_FULL, STREAMS_ENDED
   */
  follow(id: string, signal?: AbortSignal, lastEventId?: string): Promise<AsyncIterable<RunEvent>>;
}

/** What the service works with. */
export interface RunServiceParts {
  identity: ScopeIdentity;
  store: MaintenanceStore;
  runner: Runner;
  chooser: TaskChooser;
  follower: RunFollower;
  scopeIds: ScopeIds;
  clock: Pick<Clock, 'now'>;
  /** How long after its end a run can be confirmed. */
  confirmableMs: number;
}

/** @see RunService */
export function createRunService(parts: RunServiceParts): RunService {
  const { identity, store, runner, chooser, follower, scopeIds, clock, confirmableMs } = parts;
  const own = store.runs(identity.tenantId);
  const begin = (chosen: Chosen, more: Partial<RunRequest> = {}) =>
    runner.begin({ identity, trigger: 'request', ...chosen, ...more });
  const known = async (id: string): Promise<Run> => {
    const run = await own.get(id);
    if (!run) throw maintenanceErrors.RUN_NOT_FOUND({ id });
    return run;
  };
  const goOn = async (old: Run, more: Partial<RunRequest>): Promise<MaintenanceResult> => {
    const chosen = chooser.fromWire(old.task, old.parameters);
    const whose = elsewhere(scopeIds, scopeOf(chosen.task, chosen.parameters), old.scopeId);
    if (whose !== null) throw maintenanceErrors.RUN_ELSEWHERE({ id: old.id, whose });
    return resultOf(detached(await begin(chosen, { ...more, resumes: old })));
  };

  return {
    execute: async ({ maintenanceType, parameters }) =>
      resultOf(await (await begin(chooser.fromWire(maintenanceType, parameters))).ended),
    begin: async ({ maintenanceType, parameters }) =>
      resultOf(detached(await begin(chooser.fromWire(maintenanceType, parameters)))),
    run: async (type, parameters) => resultOf(await (await begin(chooser.fromCode(type, parameters))).ended),
    beginRun: async (type, parameters) => resultOf(detached(await begin(chooser.fromCode(type, parameters)))),
    get: async (id) => runViewOf(await known(id)),
    async list({ limit, cursor, task, status, details = false }) {
      const runs = await own.list({
        limit: limit + 1,
        before: pageAfter(idPageQuery, cursor) ?? undefined,
        task,
        status,
        brief: !details,
      });
      const items = runs.slice(0, limit);
      const shown = (run: Run): ListedRun => ({ ...resultOf(run), ...(!details && { details: null }) });
      return { items: items.map(shown), nextCursor: runs.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    async cancel(id) {
      const run = await known(id);
      if (!(await own.requestCancel(id, clock.now()))) throw maintenanceErrors.RUN_NOT_ACTIVE({ id });
      runner.cancel(id);
      return resultOf(run);
    },
    async resume(id) {
      const run = await known(id);
      if (!isResumable(run)) throw maintenanceErrors.RUN_NOT_RESUMABLE({ id, resumedBy: run.resumedBy });
      return goOn(run, {});
    },
    async confirm(id) {
      const run = await known(id);
      if (run.endedAt === null || run.resumedBy !== null || askedIn(run).length === 0)
        throw maintenanceErrors.RUN_NOT_UNCONFIRMED({ id });
      if (clock.now() - run.endedAt > confirmableMs) throw maintenanceErrors.CONFIRMATION_EXPIRED({ id });
      return goOn(run, { confirmed: true });
    },
    follow: async (id, signal, lastEventId) => follower.follow(await known(id), { signal, lastEventId }),
  };
}

/** The run as it began. Its end is kept in the store; should even that fail, `recover` says so later. */
export function detached<Begun extends { run: unknown; ended: Promise<unknown> }>({ run, ended }: Begun): Begun['run'] {
  ended.catch(() => undefined);
  return run;
}
