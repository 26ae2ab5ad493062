import type { AnyEvent, OutboxEntry, ScopeIdentity, StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { deliveries, lifecycleEvents, type LifecycleEvents } from '../events.js';
import { hookLane, hookSubscriber, hooksOf, type HookName } from '../hooks.js';
import { concerned, followJourneys } from '../journeys/follow.js';
import { withoutPersonal } from '../privacy/personal.js';
import { sealEntries, sealWithKeptKey } from '../privacy/vault.js';
import { wakeRun } from '../provisioning/wake.js';
import type { CustomerChange, HistoryEntry } from '../store/store.js';
import { changedTerms } from '../search/terms.js';
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

/** What else a change writes. */
type More = Partial<Pick<CustomerChange, 'requested' | 'ended' | 'outbox'>>;

/**
 * The second half of every change of a customer, in its transaction: the row by compare-and-swap on its version, the
 * events at their places in the history, the outbox. `customer` is the state after the events.
 * @throws CONCURRENT_CHANGE
 */
export async function recordChange(
  context: LifecycleContext,
  before: Customer,
  customer: Customer,
  made: readonly Event[],
  trx: StoreTransaction,
  more: More = {},
): Promise<void> {
  const { customers } = context.store.tenant(customer.tenantId);
  // What goes on by itself after an erasure, e.g. a journey that begins with it, brings nothing personal back.
  const events = before.erasedAt === null ? made : made.map(withoutPersonal);
  const plain = placed(before.version, events);
  const history = await sealEntries(context, customer.tenantId, customer.id, plain, trx);
  const outbox = [...context.relay.entriesOf(events), ...(more.outbox ?? [])];
  const terms = changedTerms(before, customer, context.searchableAttributes);
  const change = { ...more, before, after: customer, history, outbox, terms };
  if (!(await customers.change(change, trx))) throw lifecycleErrors.CONCURRENT_CHANGE({ customerId: customer.id });
  await follow(context, customer.id, events, trx);
}

/**
 * The same without a transaction, for changes that nothing else has to be written with.
 * @returns false when the customer or the run has changed since, or when something has to be looked at under a lock
 */
export async function recordAtOnce(
  context: LifecycleContext,
  before: Customer,
  after: Customer,
  events: readonly Event[],
  more: More = {},
): Promise<boolean> {
  const { id, tenantId } = after;
  if (concerned(context, events).length > 0) return false;
  const history = await sealWithKeptKey(context, tenantId, id, placed(before.version, events));
  if (!history) return false;
  const outbox = [...context.relay.entriesOf(events), ...(more.outbox ?? [])];
  const terms = changedTerms(before, after, context.searchableAttributes);
  if (!(await context.store.tenant(tenantId).customers.change({ ...more, before, after, history, outbox, terms })))
    return false;
  for (const event of events) announce(context, event);
  return true;
}

/** Events at their places in the history. */
function placed(lastSeq: number, events: readonly Event[]): HistoryEntry[] {
  return events.map((event, index) => ({ seq: lastSeq + index + 1, event }));
}

/** Begins the histories of customers, each with one event, and tells of them; `besides` goes into the outbox as well. */
export async function beginHistories(
  context: LifecycleContext,
  tenantId: string,
  events: readonly Event[],
  besides: readonly OutboxEntry[],
  trx: StoreTransaction,
): Promise<void> {
  const { store, relay } = context;
  const entries: HistoryEntry[] = [];
  for (const event of events)
    entries.push(...(await sealEntries(context, tenantId, event.subject, placed(0, [event]), trx)));
  await store.tenant(tenantId).history.append(entries, trx);
  await store.outbox.append([...relay.entriesOf(events), ...besides], trx);
  for (const event of events) await follow(context, event.subject, [event], trx);
}

/** Has journeys follow events that were written, and tells this process of them after the commit. */
async function follow(
  context: LifecycleContext,
  customerId: string,
  events: readonly Event[],
  trx: StoreTransaction,
): Promise<void> {
  const { store } = context;
  const [first] = events;
  if (!first) return;
  const { tenantId, actor, at } = first;
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
export function announce(context: LifecycleContext, event: Event): void {
  const { metrics, emitter } = context;
  metrics.happened(event.name);
  emitter.emit(event);
  if (event.name !== 'service.requested' && event.name !== 'service.operation_started') return;
  void wakeRun(context, event.tenantId, event.data.requestId);
}

/** The entry of the outbox that tells a command's `afterCommit` hook of the state it made; none without a hook. */
export function entriesForHook(
  context: LifecycleContext,
  identity: ScopeIdentity,
  hook: HookName,
  { customerId, at, state }: { customerId: string; at: number; state: object },
): OutboxEntry[] {
  if (!hooksOf(context, hook).afterCommit) return [];
  const data = { command: hook, state: { ...state } };
  const event = deliveries.create('command.committed', { ...identity, subject: customerId, at, data });
  return [{ subscriber: hookSubscriber(hook), event: deliveries.encode(event), lane: hookLane }];
}
