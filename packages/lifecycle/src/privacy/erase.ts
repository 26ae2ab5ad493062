import type { DomainEvent, OperationError, StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import type { Decision } from '../customers/step.js';
import type { Moment } from '../customers/moment.js';
import type { Transition } from '../customers/transitions.js';
import type { RemainingService } from '../error-details.js';
import { lifecycleErrors } from '../errors.js';
import { deliveries } from '../events.js';
import { erasedAnswer, erasedOperation } from './erased-operation.js';
import type { LegalHold } from './hold.js';
import { knownBy } from './known-by.js';
import type { Run } from '../provisioning/run.js';
import type { ServiceInstance } from '../services/instance.js';
import type { HistoryEntry } from '../store/store.js';
import { subjectsOfAsking } from '../verification/resend.js';
import {
  erasedActor,
  erasedCustomer,
  erasedRun,
  erasedService,
  erasedSignals,
  personalOf,
  withoutPersonal,
  type OwnNames,
} from './personal.js';

const pageSize = 500;

/**
 * Takes everything personal away, in the transaction of the command: the key of what is sealed; the columns; what rows
 * hold that is not sealed; what waits in the outbox. Stages, dates and counts stay.
 * @throws LEGAL_HOLD, SERVICES_REMAIN
 */
export async function eraseCustomer(
  context: LifecycleContext,
  customer: Customer,
  { to }: Transition,
  reference: string | null,
  { at, trx }: Moment,
): Promise<Decision> {
  const { store } = context;
  const { id, tenantId } = customer;
  const { privacy, services } = store.tenant(tenantId);
  const kept = keptBy(await privacy.holds(id, trx), await services.live(id, trx));
  if (kept) throw kept;
  const known = await knownBy(context, customer, trx);
  const { names } = known;
  await privacy.wipe(
    id,
    {
      entry: (entry) => erasedEntry(entry, names),
      service: (service) => erasedService(service, names),
      run: (run) => erasedRun(run, names),
      signals: (signals) => erasedSignals(signals, names),
      operation: (operation) => erasedOperation(operation, id, known),
      answer: erasedAnswer,
    },
    trx,
  );
  const subjects = [id, ...(await askingBy(context, customer, known.emails, trx))];
  await store.outbox.rewrite(tenantId, subjects, (event) => erasedDelivery(event, names, at), trx);
  return {
    patch: { ...erasedCustomer(customer, names, at), stage: to },
    event: { name: 'customer.erased', data: { from: customer.stage, to, reference } },
    stateOf: (changed) => changed,
  };
}

/** What those who ask for a token by a customer's addresses are told by; but by those that another has now. */
async function askingBy(
  { store, keyring }: LifecycleContext,
  { tenantId, id }: Customer,
  emails: readonly string[],
  trx: StoreTransaction,
): Promise<string[]> {
  const { customers } = store.tenant(tenantId);
  const subjects: string[] = [];
  for (const email of new Set(emails.map((it) => it.toLowerCase()))) {
    const owner = await customers.byEmail(email, trx);
    if (owner === undefined || owner.id === id) subjects.push(...subjectsOfAsking(keyring, email));
  }
  return subjects;
}

/** The refusal of an erasure, as it is read without a lock; undefined: nothing keeps the customer. */
export async function whyKept(
  { store }: LifecycleContext,
  { tenantId, id }: Customer,
): Promise<OperationError | undefined> {
  const { privacy, services } = store.tenant(tenantId);
  const live: ServiceInstance[] = [];
  for (let cursor: string | undefined; ;) {
    const { items, nextCursor } = await services.list({ customerId: id, limit: pageSize, cursor });
    live.unshift(...items.filter(({ status }) => status !== 'terminated' && status !== 'failed').reverse());
    if (nextCursor === null) return keptBy(await privacy.holds(id), live);
    cursor = nextCursor;
  }
}

function keptBy(holds: readonly LegalHold[], live: readonly ServiceInstance[]): OperationError | undefined {
  if (holds.length > 0) return lifecycleErrors.LEGAL_HOLD({ holds: holds.map(({ name }) => name) });
  return live.length > 0 ? lifecycleErrors.SERVICES_REMAIN({ services: live.map(remainingOf) }) : undefined;
}

function remainingOf(service: ServiceInstance): RemainingService {
  const { id: serviceId, serviceName, status, isKept, terminateRequestedAt } = service;
  return { serviceId, serviceName, status, isKept: isKept && terminateRequestedAt === null };
}

/** A place in the history without what is personal; undefined when there is nothing to take away. */
function erasedEntry({ seq, event }: HistoryEntry, names: OwnNames): HistoryEntry | undefined {
  const actor = erasedActor(event.actor, names);
  if (personalOf(event) === undefined && actor === event.actor) return undefined;
  return { seq, event: { ...withoutPersonal(event), actor } };
}

/** What waits for delivery, without what is personal; null when nothing is left to deliver. */
function erasedDelivery(stored: DomainEvent, names: OwnNames, at: number): DomainEvent | null {
  const event = deliveries.parse(stored);
  const actor = erasedActor(stored.actor, names);
  // Nobody knows what is in it.
  if (!event || event.name === 'verification.issued' || event.name === 'verification.asked') return null;
  if (event.name !== 'command.committed') return deliveries.encode({ ...withoutPersonal(event), actor });
  const state = erasedState(event.data.state, names, at);
  return deliveries.encode({ ...event, actor, data: { ...event.data, state } });
}

/** The state that an `afterCommit` hook waits for: a customer, or a customer with what else the command was about. */
function erasedState(state: Record<string, unknown>, names: OwnNames, at: number): Record<string, unknown> {
  if (!('customer' in state)) return { ...erasedCustomer(state as unknown as Customer, names, at) };
  const { customer, run, service, hold } = state as {
    customer: Customer;
    run?: Run;
    service?: ServiceInstance;
    hold?: LegalHold;
  };
  return {
    customer: erasedCustomer(customer, names, at),
    ...(run && { run: erasedRun(run, names) }),
    ...(service && { service: erasedService(service, names) }),
    ...(hold && { hold: { ...hold, note: null, setBy: erasedActor(hold.setBy, names) } }),
  };
}
