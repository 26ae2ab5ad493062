import { newId, type ScopeIdentity } from '@dotmac/core';
import type { ServiceInstance } from '../services/instance.js';
import { operations, type OperationName } from '../services/operation.js';
import type { RetryPolicy } from './definition.js';
import { isHookStep, type Run, type RunStatus, type RunStep } from './run.js';
import type { ServiceTemplate } from './template.js';

/** What is to be done next on a run. */
type NextMove = { move: 'run' | 'compensate'; step: RunStep } | { move: 'end'; status: Extract<RunStatus, EndStatus> };

/** How runs end. */
export type EndStatus = 'completed' | 'failed' | 'cancelled' | 'stuck';

/** May a step have had an effect that is not undone yet? Of taking down also one that somebody took care of by hand. */
const isTouched = ({ status }: RunStep, operation: OperationName): boolean =>
  status !== 'pending' && status !== 'compensated' && (status !== 'skipped' || operation === 'deprovision');

/** Is there something that could not be undone? */
export function hasLeftOver(steps: readonly RunStep[]): boolean {
  return steps.some(({ status }) => status === 'compensation_failed');
}

const isPassed = ({ status }: RunStep): boolean => status === 'completed' || status === 'skipped';

/**
 * Decides, from what is kept alone. Forward: the first step that is not passed. Backward: the last one that is not undone,
 * for they were done in their order; the one whose outcome is unknown comes first.
 */
export function nextMove({
  direction,
  steps,
  operation,
  cancelRequestedAt,
}: Pick<Run, 'direction' | 'steps' | 'operation' | 'cancelRequestedAt'>): NextMove {
  if (direction === 'forward') {
    const step = steps.find((each) => !isPassed(each));
    return step ? { move: 'run', step } : { move: 'end', status: 'completed' };
  }
  const { whenFailed, whenCancelled } = operations[operation];
  const becomes = cancelRequestedAt === null ? whenFailed : whenCancelled;
  if (becomes !== 'undone' || hasLeftOver(steps)) return { move: 'end', status: 'stuck' };
  const step = steps.filter((each) => isTouched(each, operation)).at(-1);
  if (step) return { move: 'compensate', step };
  return { move: 'end', status: cancelRequestedAt === null ? 'failed' : 'cancelled' };
}

/** The steps of a run with one of them as it is by now. */
export function withStep({ steps }: Pick<Run, 'steps'>, step: RunStep): RunStep[] {
  return steps.map((each) => (each.key === step.key ? step : each));
}

/** A new step, to be done. */
export function freshStep(key: string): RunStep {
  return {
    key,
    status: 'pending',
    attempts: 0,
    failures: 0,
    compensationAttempts: 0,
    compensationFailures: 0,
    output: null,
    error: null,
    startedAt: null,
    finishedAt: null,
    waitUntil: null,
    completedOrder: null,
  };
}

/** A new run, to be begun at once. */
export function newRun(
  { tenantId, actor }: ScopeIdentity,
  service: Pick<ServiceInstance, 'customerId' | 'config' | 'outputs'>,
  template: ServiceTemplate,
  { operation, at, ids = {} }: { operation: OperationName; at: number; ids?: { runId?: string; serviceId?: string } },
  previous: Run['previous'] = null,
): Run {
  const id = ids.runId ?? newId();
  return {
    id,
    tenantId,
    customerId: service.customerId,
    serviceId: ids.serviceId ?? id,
    operation,
    serviceName: template.name,
    templateVersion: template.version,
    templateHash: template.hash,
    config: service.config,
    previous,
    given: service.outputs,
    status: 'pending',
    direction: 'forward',
    steps: (template.stepsOf(operation) ?? []).map(({ key }) => freshStep(key)),
    nextAt: at,
    cancelRequestedAt: null,
    requestedBy: actor,
    createdAt: at,
    updatedAt: at,
    provisionedAt: null,
  };
}

/** What the completed steps of a template gave back, by their keys. */
export function outputsOf(steps: readonly RunStep[]): Record<string, unknown> {
  const made = steps.filter((step) => step.completedOrder !== null && !isHookStep(step));
  return Object.fromEntries(made.map(({ key, output }) => [key, output]));
}

/** The place of the next step to complete. */
export function nextCompletedOrder(steps: readonly RunStep[]): number {
  return 1 + Math.max(0, ...steps.map(({ completedOrder }) => completedOrder ?? 0));
}

/**
 * The wait after the given number of failures, in ms; undefined when it was the last attempt. Half of it is random
 * ("equal jitter", AWS Architecture Blog, Exponential Backoff And Jitter).
 */
export function backoffMs(
  failures: number,
  policy: RetryPolicy = {},
  defaultAttempts = 3,
  random: () => number = Math.random,
): number | undefined {
  const { attempts = defaultAttempts, firstBackoffMs = 1_000, longestBackoffMs = 60_000 } = policy;
  if (failures >= attempts) return undefined;
  const longest = Math.min(longestBackoffMs, firstBackoffMs * 2 ** (failures - 1));
  return Math.round(longest / 2 + (random() * longest) / 2);
}
