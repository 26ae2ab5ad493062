import { isOperationError, type Clock, type ErrorKind, type OperationError } from '@dotmac/core';
import { lifecycleErrors } from '../../errors.js';
import { longestOutput } from '../signal.js';

/** Kinds of errors that another attempt may mend. */
const passing: readonly ErrorKind[] = ['limited', 'unavailable', 'timeout', 'internal'];

/** What came of calling a step. */
export type Outcome =
  { ok: true; output: unknown } | { ok: false; isPermanent: boolean; shown: OperationError; error: unknown };

/**
 * Calls a step's handler under its deadline.
 * @throws the reason of `outer` when that aborts: the process stops or the lease is lost, and nothing is known of the step
 */
export async function callStep(
  clock: Clock,
  { step, timeoutMs, outer }: { step: string; timeoutMs: number; outer: AbortSignal },
  work: (signal: AbortSignal) => unknown,
): Promise<Outcome> {
  outer.throwIfAborted();
  const controller = new AbortController();
  const stop = (): void => controller.abort(outer.reason);
  const cancel = clock.after(timeoutMs, () => controller.abort(lifecycleErrors.STEP_TIMED_OUT({ step, timeoutMs })));
  outer.addEventListener('abort', stop, { once: true });
  try {
    const aborted = new Promise<never>((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error), { once: true });
    });
    const output = await Promise.race([Promise.resolve().then(() => work(controller.signal)), aborted]);
    outer.throwIfAborted();
    return { ok: true, output: asJson(output) };
  } catch (error) {
    outer.throwIfAborted();
    const isExpected = isOperationError(error);
    const shown = isExpected ? error : lifecycleErrors.STEP_FAILED({ step });
    return { ok: false, isPermanent: isExpected && !passing.includes(error.kind), shown, error };
  } finally {
    cancel();
    outer.removeEventListener('abort', stop);
  }
}

/** What is kept of what a step gave back. Throws when that is no JSON, or too long. */
function asJson(output: unknown): unknown {
  const text = JSON.stringify(output ?? null);
  if (text.length > longestOutput)
    throw new RangeError(`A step may give back ${longestOutput} characters of JSON at most.`);
  return JSON.parse(text) as unknown;
}
