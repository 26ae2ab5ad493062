import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { CarryOutOptions } from './command-options.js';
import type { Step } from './step.js';
import { lifecycleErrors } from '../errors.js';
import { hooksOf, runHook, type HookName } from '../hooks.js';
import { settleServices } from '../services/settle.js';
import { changeTimers } from '../timers/change.js';
import type { Standing } from '../store/store.js';
import type { Customer } from './customer.js';
import { timerDifference, Undo, type Preview } from './preview.js';
import { isAlone, performAtOnce } from './at-once.js';
import { outcomeOf, type Outcome } from './outcome.js';
import { entriesForHook, happened, recordChange } from './record.js';
import { takeTurn, type Turn, type TurnAsked } from './turn.js';

/**
 * Carries commands out on one customer, one after another, in one transaction: table and guard, decision,
 * compare-and-swap, history, outbox, timers, services, hooks. Where nobody needs the transaction, that is one statement
 * after one that reads; whoever finds the customer changed in between does it again under the customer's lock.
 * @returns what `answer` makes of the customer as it is then; or what it made when the first under this key was done
 * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, CONCURRENT_CHANGE, what {@link takeTurn} and what hooks throw
 */
export async function perform<Answer>(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customerId: string,
  steps: readonly Step[],
  answer: (customer: Customer) => Answer,
  options: CarryOutOptions & { standing?: Standing; turn?: Turn<Answer> } = {},
): Promise<Answer> {
  const { store, clock } = context;
  const { trx: join, claim, dryRun, standing } = options;
  const turn = options.turn ?? (await takeTurn<Answer>(context, identity, turnOf(customerId, steps), options));
  if (turn.first !== undefined) return turn.first;
  const { customers, services, timers: kept } = store.tenant(identity.tenantId);
  const asked = steps.map((step) => ({ ...step, input: { customerId, ...step.input } }));
  const heard = dryRun ? undefined : await askBefore(context, identity, asked, () => customers.get(customerId, join));
  const what = { customerId, steps: asked, heard };
  if (!join && !claim && !dryRun && turn.key === undefined && asked.every((step) => isAlone(context, step))) {
    const done = await performAtOnce(context, identity, what, standing ?? (await customers.standing(customerId)));
    if (done) return answer(done);
  }
  const answered = (customer: Customer) => ({ answer: answer(customer), customer });
  return turn.commit(async (trx) => {
    const before = await customers.lock(customerId, trx);
    if (!before) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
    if (claim && !(await claim(trx))) return answered(before);
    // Not before what is recorded already, should the clock have been set back.
    const at = Math.max(clock.now(), before.updatedAt);
    const liveServices = async (): Promise<number> => (await services.live(customerId, trx)).length;
    const setBefore = dryRun ? await kept.listFor(customerId, trx) : [];
    const outcome = await outcomeOf(context, what, before, { at, liveServices, trx });
    const { taken, timers } = outcome;
    if (taken.length === 0) return answered(before);
    const { operations, events: ofServices } = await settleServices(context, identity, before, outcome.customer, {
      at,
      trx,
    });
    const pending = [...taken.map(({ decision }) => decision.event), ...ofServices];
    const customer = { ...outcome.customer, version: before.version + pending.length };
    const events = pending.map((event) => happened(identity, customerId, at, event));
    await recordChange(context, before, customer, events, trx, { requested: outcome.requested });
    await changeTimers(context, identity, customerId, timers, { at, trx });
    if (dryRun)
      throw new Undo({
        before,
        after: customer,
        hooks: taken.map(({ step }) => `customer.${step.command}` as const),
        events: pending,
        operations: [...begunBy(outcome), ...operations],
        timers: timerDifference(setBefore, await kept.listFor(customerId, trx)),
      });
    for (const { step, state } of taken)
      await runInTransaction(
        context,
        identity,
        `customer.${step.command}`,
        { customerId, at, input: step.input, state },
        trx,
      );
    return answered(customer);
  });
}

/** The operation that sets up a service that was asked for. */
function begunBy({ requested }: Outcome): Preview['operations'] {
  return requested ? [{ service: requested.service, operation: requested.run.operation }] : [];
}

/** What a command on a customer is recognised by. */
function turnOf(customerId: string, [step]: readonly Step[]): TurnAsked {
  const { command = '', input } = step?.once ?? step ?? {};
  return { command, subject: customerId, input };
}

/** Asks the `before` hooks of the steps that will be taken, as far as can be told outside the transaction: those asked. */
async function askBefore(
  context: LifecycleContext,
  identity: ScopeIdentity,
  steps: readonly Step[],
  read: () => Promise<Customer | undefined>,
): Promise<ReadonlySet<Step>> {
  const hooked = steps.filter(({ command }) => hooksOf(context, `customer.${command}`).before);
  const customer = hooked.length > 0 ? await read() : undefined;
  const heard = new Set<Step>();
  // Where there is none, the transaction says so.
  if (!customer) return heard;
  for (const step of hooked) {
    if (step.applies?.(customer) === false) continue;
    await runBefore(context, identity, `customer.${step.command}`, step.input);
    heard.add(step);
  }
  return heard;
}

/** Runs a command's `before` hook. */
export async function runBefore(
  context: LifecycleContext,
  identity: ScopeIdentity,
  name: HookName,
  input: object,
): Promise<void> {
  const { before } = hooksOf(context, name);
  if (before) await runHook(context, name, 'before', before, { ...identity, input });
}

/** Runs a command's `inTransaction` hook, and queues its `afterCommit` hook. */
export async function runInTransaction(
  context: LifecycleContext,
  identity: ScopeIdentity,
  name: HookName,
  { customerId, at, input, state }: { customerId: string; at: number; input: object; state: object },
  trx: StoreTransaction,
): Promise<void> {
  const { inTransaction } = hooksOf(context, name);
  if (inTransaction) await runHook(context, name, 'inTransaction', inTransaction, { ...identity, input, state, trx });
  await context.store.outbox.append(entriesForHook(context, identity, name, { customerId, at, state }), trx);
}
