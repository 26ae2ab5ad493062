import { invalidInput, wireOf } from '@dotmac/core/contract';
import type { InputIssue, ScopeIdentity } from '@dotmac/core';
import type { z } from 'zod';
import { maintenanceErrors } from '../errors.js';
import { policiesOf, type PolicySet } from '../policies/policy-set.js';
import type { MaintenanceStore } from '../store/store.js';
import type { AnyMaintenanceTask } from '../tasks/task.js';
import { resultOf } from './result.js';
import type { Runner } from './runner.js';
import type { executeBody, MaintenanceResult, runPage, runsQuery } from './schemas.js';

/** The runs of one tenant. */
export interface RunService {
  /**
   * Executes a task by its type, parameters in wire form; resolves when it has ended. A task that fails resolves too, with status `failed`.
   * @throws INVALID_INPUT for an unknown type or parameters that it does not take
   * @throws TASK_ALREADY_RUNNING
   */
  execute(request: z.output<typeof executeBody>): Promise<MaintenanceResult>;
  /** As `execute`, but resolves as soon as the run has begun. */
  begin(request: z.output<typeof executeBody>): Promise<MaintenanceResult>;
  /** Executes a task, parameters as its schema has them (camelCase). */
  run(type: string, parameters: object): Promise<MaintenanceResult>;
  /** As `run`, but resolves as soon as the run has begun. */
  beginRun(type: string, parameters: object): Promise<MaintenanceResult>;
  /** @throws RUN_NOT_FOUND */
  get(id: string): Promise<MaintenanceResult>;
  /** The newest first. */
  list(query: z.output<typeof runsQuery>): Promise<z.output<typeof runPage>>;
}

/** What the service works with. */
export interface RunServiceParts {
  identity: ScopeIdentity;
  store: MaintenanceStore;
  runner: Runner;
  policies: PolicySet;
  tasks: ReadonlyMap<string, AnyMaintenanceTask>;
}

/** The faults of a task's checked parameters that only the policies show. */
function checkAgainstPolicies(task: AnyMaintenanceTask, parameters: unknown, policies: PolicySet): InputIssue[] {
  return task.check?.(parameters, policies) ?? [];
}

/** @see RunService */
export function createRunService({ identity, store, runner, policies, tasks }: RunServiceParts): RunService {
  const own = store.runs(identity.tenantId);

  const start = async (type: string, parameters: unknown, at: string) => {
    const task = taskOf(type);
    const faults = checkAgainstPolicies(task, parameters, policiesOf(policies, identity.tenantId));
    if (faults.length > 0) throw invalidInput(faults.map((issue) => ({ ...issue, path: at + issue.path })));
    return runner.begin({ identity, task, parameters, trigger: 'request' });
  };
  const taskOf = (type: string): AnyMaintenanceTask => {
    const task = tasks.get(type);
    if (task) return task;
    throw invalidInput([
      { path: 'maintenance_type', message: `There is no such task; there are: ${[...tasks.keys()].join(', ')}` },
    ]);
  };
  const startFromWire = ({ maintenanceType, parameters }: z.output<typeof executeBody>) => {
    const parsed = wireOf(taskOf(maintenanceType).parameters).parse(parameters);
    if (parsed.ok) return start(maintenanceType, parsed.value, 'parameters.');
    throw invalidInput(
      parsed.issues.map((issue) => ({ ...issue, path: `parameters.${issue.path}`.replace(/\.$/, '') })),
    );
  };

  return {
    execute: async (request) => resultOf(await (await startFromWire(request)).ended),
    begin: async (request) => resultOf(detached(await startFromWire(request))),
    run: async (type, parameters) => resultOf(await (await start(type, parameters, '')).ended),
    beginRun: async (type, parameters) => resultOf(detached(await start(type, parameters, ''))),
    async get(id) {
      const run = await own.get(id);
      if (!run) throw maintenanceErrors.RUN_NOT_FOUND({ id });
      return resultOf(run);
    },
    async list({ limit, cursor, task, status }) {
      const runs = await own.list({ limit: limit + 1, before: cursor, task, status });
      const items = runs.slice(0, limit);
      return { items: items.map(resultOf), nextCursor: runs.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
  };
}

/** The run as it began. Its end is kept in the store; should even that fail, `recover` says so later. */
function detached<Begun extends { run: unknown; ended: Promise<unknown> }>({ run, ended }: Begun): Begun['run'] {
  ended.catch(() => undefined);
  return run;
}
