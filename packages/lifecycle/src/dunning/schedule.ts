import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Moment } from '../customers/moment.js';
import { changeTimers } from '../timers/change.js';
import { ownTimer } from '../timers/own-names.js';
import type { Timer } from '../timers/timer.js';
import { anchorOf, nextStepAt, type DunningCase } from './case.js';
import type { DunningPolicy } from './policy.js';

/** The name of a policy's timer. */
export const dunningTimer = (policy: string): string => ownTimer('dunning', policy);

/** The name of the timer that lifts a policy's reason after the last payment. */
export const paidTimer = (policy: string): string => ownTimer('dunning', policy, 'paid');

/** The timer that will lift the reason of a policy, for what was paid in a case before; undefined: there is none. */
export async function liftOf(
  { store, dunning }: Pick<LifecycleContext, 'store' | 'dunning'>,
  tenantId: string,
  customerId: string,
  { reason }: DunningPolicy,
): Promise<Timer | undefined> {
  const names = dunning.filter((policy) => policy.reason === reason).map(({ name }) => paidTimer(name));
  return (await store.tenant(tenantId).timers.listFor(customerId)).find(({ name }) => names.includes(name));
}

/**
 * Sets the timer of a case to its next step. One that is there and was held by a promise to pay still knows by which, so
 * that the history speaks of that once.
 */
export async function scheduleStep(
  context: LifecycleContext,
  identity: ScopeIdentity,
  policy: DunningPolicy,
  kept: DunningCase,
  { at, trx, notBefore = 0, promised }: Moment & { notBefore?: number; promised?: number | undefined },
): Promise<void> {
  const dueAt = nextStepAt(policy, kept);
  const name = dunningTimer(policy.name);
  const set = await context.store.tenant(identity.tenantId).timers.listFor(kept.customerId, trx);
  const heldBy = promised ?? set.find((timer) => timer.name === name)?.input.promised;
  const input = { policy: policy.name, ...(heldBy !== undefined && { promised: heldBy }) };
  const next = { name, command: 'dunningStep', input } as const;
  const change =
    dueAt === undefined
      ? { clear: name }
      : { set: { ...next, dueAt: Math.max(dueAt, notBefore), anchorAt: anchorOf(kept.invoices) } };
  await changeTimers(context, identity, kept.customerId, [change], { at, trx });
}
