import type { StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { hooksOf, runHook, type OperationInput, type OperationState } from '../hooks.js';
import type { OperationName } from '../services/operation.js';
import type { ActionStep, ServiceStep, TransactionStep } from './definition.js';
import { freshStep } from './plan.js';
import { hookKeys, isHookStep, type Run, type RunStep } from './run.js';
import type { ServiceTemplate } from './template.js';

const hookOf = (operation: OperationName) => `operation.${operation}` as const;

/** A run that nobody has begun, with the steps that are the host's hooks. */
export function withHookSteps(context: Pick<LifecycleContext, 'hooks'>, run: Run): Run {
  if (run.status !== 'pending') return run;
  const { before, inTransaction } = hooksOf(context, hookOf(run.operation));
  if (!before && !inTransaction) return run;
  const first = before ? [freshStep(hookKeys.before)] : [];
  const last = inTransaction ? [freshStep(hookKeys.inTransaction)] : [];
  return { ...run, steps: [...first, ...run.steps.filter((step) => !isHookStep(step)), ...last] };
}

/**
 * What a step of a run does. The hash of the template says that its steps are those of the run, save for those of taking
 * down that are made of others' `compensate`: undefined for one whose `compensate` is gone.
 */
export function definitionOf(
  context: LifecycleContext,
  template: ServiceTemplate,
  run: Run,
  step: RunStep,
): ServiceStep | undefined {
  if (isHookStep(step)) return hookStep(context, run, step.key);
  const { key } = step;
  return template.stepsOf(run.operation)?.find((each) => each.key === key);
}

/** What a step does that is a hook; nothing, where the host has this hook no more. */
function hookStep(context: LifecycleContext, run: Run, key: string): ServiceStep {
  const hook = hookOf(run.operation);
  const { before } = hooksOf(context, hook);
  // Its part is taken where the run ends.
  if (key === hookKeys.inTransaction) return { key, runInTransaction: () => undefined } satisfies TransactionStep;
  const timeoutMs = (typeof before === 'object' && before.timeoutMs) || context.hookTimeoutMs;
  return {
    key,
    run: async ({ signal }) => {
      if (before) await runHook(context, hook, 'before', before, { ...told(run), signal });
    },
    // The hook's own deadline says more; this one is for a handler that nothing stops.
    timeoutMs: timeoutMs + 1_000,
  } satisfies ActionStep;
}

/** Runs the hook that commits with the end of an operation. @throws HOOK_TIMED_OUT, HOOK_FAILED, what the hook throws */
export async function runEndHook(
  context: LifecycleContext,
  state: OperationState,
  trx: StoreTransaction,
  signal?: AbortSignal,
): Promise<void> {
  const hook = hookOf(state.run.operation);
  const { inTransaction } = hooksOf(context, hook);
  if (!inTransaction) return;
  await runHook(context, hook, 'inTransaction', inTransaction, {
    ...told(state.run),
    state,
    trx,
    ...(signal && { signal }),
  });
}

/** Which `afterCommit` hook is told how a run ended. */
export function hookAfter({ operation, status }: Run) {
  return status === 'completed' ? hookOf(operation) : 'operation.fail';
}

function told(run: Run): { tenantId: string; actor: string; input: OperationInput } {
  const {
    id: requestId,
    tenantId,
    customerId,
    serviceId,
    serviceName,
    operation,
    config: customConfig,
    previous,
  } = run;
  const input = { customerId, serviceId, requestId, serviceName, operation, customConfig, previous };
  return { tenantId, actor: run.requestedBy, input };
}
