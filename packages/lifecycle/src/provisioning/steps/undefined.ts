import type { LifecycleContext } from '../../context.js';
import { lifecycleErrors } from '../../errors.js';
import type { Run, RunStep } from '../run.js';
import { isForGood } from '../way-back.js';
import { forGood } from './compensate.js';
import { refused } from './forward.js';
import type { StepResult } from './result.js';

/**
 * What comes of a step that its template does not define any more: the steps of taking down that are made of `compensate`
 * are gone with it, under the same hash. It is not passed over, for what it is to take down is there still.
 */
export function refuseUndefined(
  context: LifecycleContext,
  run: Run,
  step: RunStep,
  move: 'run' | 'compensate',
): StepResult {
  if (move === 'compensate')
    return isForGood(step, undefined)
      ? forGood(step)
      : { step: { ...step, status: 'compensated', waitUntil: null }, direction: 'backward' };
  const { tenantId, id: runId, serviceName, templateVersion } = run;
  const fields = { tenantId, runId, serviceName, templateVersion, step: step.key };
  context.logger.error(fields, 'a provisioning step is not defined by its template any more');
  return refused(context, step, lifecycleErrors.STEP_NOT_DEFINED({ step: step.key }).message);
}
