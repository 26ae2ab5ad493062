import type { OperationError } from '@dotmac/core';
import type { AnyMaintenanceTask } from '../tasks/task.js';

/**
 * A task whose runs fail of a refusal, before anything is touched. What a schedule may do no more is a failed run like any
 * other, so that failure hooks, events, figures and the digest tell of it: nobody looks at a schedule that does nothing.
 */
export function refusedTask(task: AnyMaintenanceTask, refusal: OperationError): AnyMaintenanceTask {
  const refuse = (): Promise<never> => Promise.reject(refusal);
  return { ...task, heedsPressure: false, plan: refuse, run: refuse };
}
