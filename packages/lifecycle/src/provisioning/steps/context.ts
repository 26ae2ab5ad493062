import { describeError, type OperationError } from '@dotmac/core';
import type { LifecycleContext } from '../../context.js';
import type { ServiceStep, StepContext } from '../definition.js';
import { idempotencyKeyOf } from '../idempotency-key.js';
import { outputsOf } from '../plan.js';
import type { Run } from '../run.js';
import type { StepWork } from './result.js';

/** What a handler is told, save for attempt and signal. */
export async function contextOf(
  { run, template, customer, step, definition }: Omit<StepWork<ServiceStep>, 'begin' | 'within'>,
  phase: 'run' | 'compensate',
): Promise<Omit<StepContext, 'attempt' | 'signal'>> {
  const { id: requestId, tenantId, customerId, serviceId, serviceName, operation, previous } = run;
  const config: unknown = await template.config.parseAsync(run.config);
  const outputs = { ...run.given, ...outputsOf(run.steps) };
  const idempotencyKey =
    phase === 'compensate' ? `${requestId}:${step.key}:compensate` : idempotencyKeyOf(run, step, definition);
  return {
    tenantId,
    customerId,
    customer,
    requestId,
    serviceId,
    serviceName,
    operation,
    config,
    previous,
    outputs,
    idempotencyKey,
  };
}

/** Says in the log that a step failed, with what only the log may know. */
export function report(
  { logger }: LifecycleContext,
  { id: runId, tenantId, serviceName, operation }: Run,
  step: string,
  phase: 'run' | 'compensate',
  { error, shown }: { error: unknown; shown: OperationError },
  retryInMs: number | undefined,
): void {
  const fields = { tenantId, runId, serviceName, operation, step, phase, ...describeError(error), shown: shown.code };
  if (retryInMs === undefined) logger.error(fields, 'a provisioning step failed for good');
  else logger.warn({ ...fields, retryInMs }, 'a provisioning step failed and will be tried again');
}
