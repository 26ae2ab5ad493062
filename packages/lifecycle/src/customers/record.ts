import { describeError, type AnyEvent, type ScopeIdentity, type StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { deliveries, lifecycleEvents, type LifecycleEvents } from '../events.js';
import { hookSubscriber, hooksOf, type HookName } from '../hooks.js';
import { followJourneys } from '../journeys/follow.js';
import { sealEntries } from '../privacy/vault.js';
import { runKey } from '../store/store.js';
import type { Customer } from './customer.js';

/** An event that a decision makes: name and data; the engine adds the rest. */
export type PendingEvent = {
  [Name in keyof LifecycleEvents]: { name: Name; data: EventData<Name> };
}[keyof LifecycleEvents];

type EventData<Name extends keyof LifecycleEvents> = LifecycleEvents[Name]['_zod']['output'];
type Event = AnyEvent<LifecycleEvents>;

/** Gives an event its envelope. */
export function happened(identity: ScopeIdentity, subject: string, at: number, { name, data }: PendingEvent): Event {
  return lifecycleEvents.create(name, { ...identity, subject, at, data }) as Event;
}

/**
 * The second half of every change of a customer, in its transaction: the row by compare-and-swap on its version, the
 * events at their places in the history, the outbox. `customer` is the state after the events.
 * @throws CONCURRENT_CHANGE
 */
export async function recordChange(
  context: LifecycleContext,
  before: Customer,
  customer: Customer,
  events: readonly Event[],
  trx: StoreTransaction,
): Promise<void> {
  const { customers } = context.store.tenant(customer.tenantId);
  if (!(await customers.replace(customer, before.version, trx)))
    throw lifecycleErrors.CONCURRENT_CHANGE({ customerId: customer.id });
  await recordEvents(context, customer.id, before.version, events, trx);
}

/** Adds events to a customer's history and to the outbox, and tells this process of them after the commit. */
export async function recordEvents(
  context: LifecycleContext,
  customerId: string,
  lastSeq: number,
  events: readonly Event[],
  trx: StoreTransaction,
): Promise<void> {
  const { store, relay } = context;
  const [first] = events;
  if (!first) return;
  const { tenantId } = first;
  const plain = events.map((event, index) => ({ seq: lastSeq + index + 1, event }));
  const entries = await sealEntries(context, tenantId, customerId, plain, trx);
  await store.tenant(tenantId).history.append(customerId, entries, trx);
  await relay.publish(events, trx);
  const { actor, at } = first;
  await followJourneys(context, { tenantId, actor }, customerId, events, { at, trx });
  const isKnown = store.afterCommit(trx, () => {
    for (const event of events) announce(context, event);
  });
  // Nobody tells when a host's own transaction commits: then the outbox does.
  if (isKnown) return;
  const stored = events.map((event) => ({ subscriber: announcer, event: deliveries.encode(event) }));
  await store.outbox.append(stored, trx);
}

/** The subscriber that tells this process of events whose commit could not be seen. */
export const announcer = 'listeners';

/** Tells listeners of this process, and wakes the run that was begun. */
export function announce({ emitter, waker, clock, metrics, logger }: LifecycleContext, event: Event): void {
  metrics.happened(event.name);
  emitter.emit(event);
  if (event.name !== 'service.requested' && event.name !== 'service.operation_started') return;
  const key = runKey(event.tenantId, event.data.requestId);
  // A wake-up that is lost is found by the sweep; the command is committed, whatever becomes of it.
  Promise.resolve()
    .then(() => waker.wake(key, clock.now()))
    .catch((error: unknown) => logger.warn({ key, ...describeError(error) }, 'a wake-up was lost'));
}

/** Puts the state that a command made into the outbox for its `afterCommit` hook, if it has one. */
export async function queueHook(
  context: LifecycleContext,
  identity: ScopeIdentity,
  hook: HookName,
  { customerId, at, state }: { customerId: string; at: number; state: object },
  trx: StoreTransaction,
): Promise<void> {
  if (!hooksOf(context, hook).afterCommit) return;
  const data = { command: hook, state: { ...state } };
  const event = deliveries.create('command.committed', { ...identity, subject: customerId, at, data });
  await context.store.outbox.append([{ subscriber: hookSubscriber(hook), event: deliveries.encode(event) }], trx);
}
