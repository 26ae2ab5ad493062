import { describeError, type OperationError } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { callStep } from './call-step.js';
import type { ServiceStep, ServiceTemplate, StepContext } from './definition.js';
import { backoffMs, nextCompletedOrder } from './plan.js';
import type { Run, RunStep } from './run.js';

/** A step to be run or undone. */
interface StepWork {
  run: Run;
  step: RunStep;
  definition: ServiceStep;
  template: ServiceTemplate;
  /** Writes the checkpoint before the handler is called: from then on the step may have had its effect. */
  begin: (step: RunStep) => Promise<void>;
}

/** What the checkpoint after a step says. */
export interface StepResult {
  step: RunStep;
  direction: Run['direction'];
  /** Wait as long before the next move. */
  retryInMs?: number;
}

const defaultTimeoutMs = 30_000;
const compensationAttempts = 5;
/** Attempts that crashes cut short do not count as failures, but a step that takes its process with it must end too. */
const toleratedCrashes = 10;

/** Runs a step once. */
export async function runStep(
  context: LifecycleContext,
  { run, step, definition, template, begin }: StepWork,
  signal: AbortSignal,
): Promise<StepResult> {
  const { clock } = context;
  const { retry, timeoutMs = defaultTimeoutMs } = definition;
  if (step.attempts - step.failures > toleratedCrashes) {
    const error = lifecycleErrors.STEP_FAILED({ step: step.key });
    return {
      step: { ...step, status: 'failed', error: error.message, finishedAt: clock.now() },
      direction: 'backward',
    };
  }
  const begun: RunStep = {
    ...step,
    status: 'running',
    attempts: step.attempts + 1,
    startedAt: step.startedAt ?? clock.now(),
    finishedAt: null,
  };
  await begin(begun);
  const outcome = await callStep(clock, { step: step.key, timeoutMs, outer: signal }, async (deadline) => {
    const told = await contextOf(context, run, template);
    return definition.run({ ...told(step.key), attempt: begun.attempts, signal: deadline });
  });
  const finishedAt = clock.now();
  context.metrics.stepEnded(run.serviceName, 'run', outcome.ok);
  if (outcome.ok) {
    const completedOrder = nextCompletedOrder(run.steps);
    const completed: RunStep = {
      ...begun,
      status: 'completed',
      output: outcome.output,
      error: null,
      finishedAt,
      completedOrder,
    };
    return { step: completed, direction: 'forward' };
  }
  const failures = step.failures + 1;
  const retryInMs = outcome.isPermanent ? undefined : backoffMs(failures, retry);
  report(context, run, step.key, 'run', outcome, retryInMs);
  const failed: RunStep = { ...begun, status: 'failed', failures, error: outcome.shown.message, finishedAt };
  return retryInMs === undefined
    ? { step: failed, direction: 'backward' }
    : { step: failed, direction: 'forward', retryInMs };
}

/** Undoes a step once. */
export async function compensateStep(
  context: LifecycleContext,
  { run, step, definition, template, begin }: StepWork,
  signal: AbortSignal,
): Promise<StepResult> {
  const { clock } = context;
  const { compensate, compensationRetry, timeoutMs = defaultTimeoutMs } = definition;
  const direction = 'backward';
  if (!compensate) return { step: { ...step, status: 'compensated' }, direction };
  if (step.compensationAttempts - step.compensationFailures > toleratedCrashes)
    return { step: { ...step, status: 'compensation_failed' }, direction };
  const begun: RunStep = { ...step, status: 'compensating', compensationAttempts: step.compensationAttempts + 1 };
  await begin(begun);
  const isCompleted = step.completedOrder !== null;
  const outcome = await callStep(clock, { step: step.key, timeoutMs, outer: signal }, async (deadline) => {
    const told = await contextOf(context, run, template);
    return compensate({
      ...told(`${step.key}:compensate`),
      attempt: begun.compensationAttempts,
      signal: deadline,
      output: isCompleted ? step.output : undefined,
      outcome: isCompleted ? 'completed' : 'unknown',
    });
  });
  const finishedAt = clock.now();
  context.metrics.stepEnded(run.serviceName, 'compensate', outcome.ok);
  if (outcome.ok) return { step: { ...begun, status: 'compensated', finishedAt }, direction };
  const failures = step.compensationFailures + 1;
  // Undoing is tried to the end: no error of it is permanent.
  const retryInMs = backoffMs(failures, compensationRetry, compensationAttempts);
  report(context, run, step.key, 'compensate', outcome, retryInMs);
  const status = retryInMs === undefined ? 'compensation_failed' : 'compensating';
  const error = status === 'compensation_failed' ? outcome.shown.message : begun.error;
  const failed: RunStep = { ...begun, status, compensationFailures: failures, finishedAt, error };
  return { step: failed, direction, ...(retryInMs !== undefined && { retryInMs }) };
}

/** What a handler is told, save for attempt and signal. */
async function contextOf({ store }: LifecycleContext, run: Run, template: ServiceTemplate) {
  const { id: requestId, tenantId, customerId, serviceName } = run;
  const customer = await store.tenant(tenantId).customers.get(customerId);
  if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
  const config: unknown = await template.config.parseAsync(run.config);
  const completed = run.steps.filter(({ completedOrder }) => completedOrder !== null);
  const outputs = Object.fromEntries(completed.map(({ key, output }) => [key, output]));
  return (key: string): Omit<StepContext, 'attempt' | 'signal'> => ({
    tenantId,
    customerId,
    customer,
    requestId,
    serviceName,
    config,
    outputs,
    idempotencyKey: `${requestId}:${key}`,
  });
}

function report(
  { logger }: LifecycleContext,
  { id: runId, tenantId, serviceName }: Run,
  step: string,
  phase: 'run' | 'compensate',
  { error, shown }: { error: unknown; shown: OperationError },
  retryInMs: number | undefined,
): void {
  const fields = { tenantId, runId, serviceName, step, phase, ...describeError(error), shown: shown.code };
  if (retryInMs === undefined) logger.error(fields, 'a provisioning step failed for good');
  else logger.warn({ ...fields, retryInMs }, 'a provisioning step failed and will be tried again');
}
