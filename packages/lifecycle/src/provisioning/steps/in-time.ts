import type { LifecycleContext } from '../../context.js';
import type { RunStep } from '../run.js';
import type { Signal } from '../signal.js';
import { refused } from './forward.js';
import type { StepResult } from './result.js';

/** Is the time up that a step waits? Then nothing that is said to it counts. */
export function isTimeUp({ status, waitUntil }: Pick<RunStep, 'status' | 'waitUntil'>, at: number): boolean {
  return status === 'waiting' && waitUntil !== null && waitUntil <= at;
}

/** What was said to a waiting step before its time was up. */
export function inTime(step: RunStep, said: readonly Signal[]): Signal[] {
  return said.filter(({ at }) => !isTimeUp(step, at));
}

/** A waiting step whose time is up has failed; otherwise it waits on. */
export function expiredOrWaiting(context: LifecycleContext, step: RunStep, error: string): StepResult {
  if (isTimeUp(step, context.clock.now())) return refused(context, step, error);
  return { step, direction: 'forward' };
}
