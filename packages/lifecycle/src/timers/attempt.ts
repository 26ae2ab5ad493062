import { describeError, isOperationError, type ErrorKind } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Timer } from './timer.js';

/** Refusals that waiting does not mend. */
const final: readonly ErrorKind[] = ['conflict', 'invalid', 'forbidden', 'not_found', 'gone'];

/** Attempts at what a timer is for; with the waits between them, about eight and a half hours. */
const mostAttempts = 10;
const firstWaitMs = 60_000;
/** For code that is not there: another process may have it. */
const unknownWaitMs = 300_000;

/** Is a timer given up after this? It was refused, or failed for the last time. */
export function isGivenUp({ input }: Timer, error: unknown): boolean {
  if (isOperationError(error, 'CONCURRENT_CHANGE')) return false;
  const isRefused = isOperationError(error) && final.includes(error.kind);
  return isRefused || (input.attempts ?? 0) + 1 >= mostAttempts;
}

/** Why a timer is given up, for the history. */
export function reasonOf(error: unknown): string {
  return isOperationError(error) ? error.message : 'It failed again and again; the log of the server says why.';
}

/** Has a timer that failed come due again later, so that it holds nobody up. @returns when (epoch ms) */
export function tryLater(context: LifecycleContext, tenantId: string, timer: Timer, error: unknown): Promise<number> {
  const { attempts = 0 } = timer.input;
  context.logger.error({ tenantId, timerId: timer.id, ...describeError(error) }, 'a timer failed, and is tried again');
  const dueAt = context.clock.now() + firstWaitMs * 2 ** Math.min(attempts, mostAttempts);
  return moveTo(context, tenantId, { ...timer, dueAt, input: { ...timer.input, attempts: attempts + 1 } });
}

/** Has a timer wait for a process whose code knows what it is for. @returns until when (epoch ms) */
export function waitForCode(context: LifecycleContext, tenantId: string, timer: Timer): Promise<number> {
  const { policy, journey, step } = timer.input;
  context.logger.error({ tenantId, timer: timer.name, policy, journey, step }, 'no code knows what a timer is for');
  return moveTo(context, tenantId, { ...timer, dueAt: context.clock.now() + unknownWaitMs });
}

/** Has a timer wait for another one of its customer's. @returns until when (epoch ms) */
export function waitForTimer(
  context: LifecycleContext,
  tenantId: string,
  timer: Timer,
  { dueAt }: Timer,
): Promise<number> {
  return moveTo(context, tenantId, { ...timer, dueAt: Math.max(dueAt, context.clock.now() + firstWaitMs) });
}

async function moveTo({ store }: LifecycleContext, tenantId: string, timer: Timer): Promise<number> {
  const { customers, timers } = store.tenant(tenantId);
  await store.transaction(async (trx) => {
    // Whoever sets it meanwhile waits, and has the last word.
    await customers.lock(timer.customerId, trx);
    if (await timers.take(timer.id, trx)) await timers.put(timer, trx);
  });
  return timer.dueAt;
}
