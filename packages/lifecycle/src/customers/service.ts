import { isOperationError, type ScopeIdentity, type StoreTransaction } from '@dotmac/core';
import { readDraft, type Page } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { openEntries } from '../privacy/vault.js';
import type { Channel } from '../verification/channel.js';
import { issueFirstTokens, issueToken } from '../verification/issue.js';
import { registration, type Customer, type CustomerView, type LinkDraft, type RegistrationDraft } from './customer.js';
import { recordOf, type CustomerRecord } from './customer-record.js';
import { departureStep, type Departure } from './departures.js';
import { linkCustomer } from './link.js';
import type { ProfileDraft } from './profile.js';
import { viewOf } from './next-actions.js';
import { perform, runBefore, runInTransaction } from './perform.js';
import type { CarryOutOptions, CommandOptions, JoinOptions } from './command-options.js';
import type { DecideWithin, Step } from './step.js';
import { timerDifference, Undo } from './preview.js';
import type { PendingEvent } from './record.js';
import type { ReasonDraft } from './reason.js';
import { registerAll, type Registered } from './register.js';
import { possibleCommands } from './transitions.js';
import { updateCustomer } from './update.js';
import { listCustomers } from '../search/list.js';
import type { CustomerListDraft, CustomerListItem } from '../search/query.js';
import { takeTurn } from './turn.js';
import { summarize } from './summarize.js';
import type { CustomerSummary } from './summary.js';

/** One tenant's customers. Every command is one transaction, and joins the host's when given its `trx`. */
export interface CustomerService {
  /** Registers a customer and sends it its tokens, unless it waits for approval. @throws CUSTOMER_EXISTS */
  register(draft: RegistrationDraft, options?: CommandOptions): Promise<CustomerView>;
  /** @throws CUSTOMER_NOT_FOUND */
  get(customerId: string): Promise<CustomerView>;
  /** All that is kept of a customer, as it is shown. @throws CUSTOMER_NOT_FOUND */
  record(customerId: string): Promise<CustomerRecord>;
  /** The same as code has it. @throws CUSTOMER_NOT_FOUND */
  read(customerId: string, options?: JoinOptions): Promise<Customer>;
  /**
   * Customers by stage, type, open reason, attribute, times, or the beginning of a name; a page at a time.
   * @throws INVALID_INPUT (also for a cursor of another list)
   */
  list(draft?: CustomerListDraft): Promise<Page<CustomerListItem>>;
  /** The customer that the host knows by this id; undefined when there is none. */
  findByExternalId(externalId: string, options?: JoinOptions): Promise<Customer | undefined>;
  /**
   * Links a customer to a user of the host's own, or, with null, to none any more.
   * @throws CUSTOMER_NOT_FOUND, CUSTOMER_EXISTS (another customer has this id)
   */
  link(customerId: string, draft: LinkDraft, options?: CommandOptions): Promise<CustomerView>;
  /**
   * Changes what is known of a customer. A new address is not verified: it is sent a token, and the one before is void.
   * @throws CUSTOMER_NOT_FOUND, CUSTOMER_ERASED, CUSTOMER_EXISTS (another customer has this address), INVALID_INPUT
   */
  update(customerId: string, draft: ProfileDraft, options?: CommandOptions): Promise<CustomerView>;
  /** What a customer went through. @throws CUSTOMER_NOT_FOUND */
  summary(customerId: string): Promise<CustomerSummary>;
  /** Lets a customer in that waits for it, and sends it its tokens. @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION */
  approve(customerId: string, options?: CommandOptions): Promise<CustomerView>;
  /** Turns a customer away that waits for approval. @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, INVALID_INPUT */
  reject(customerId: string, draft?: ReasonDraft, options?: CommandOptions): Promise<CustomerView>;
  /**
   * Marks a customer as about to leave: an active one, or one who was verified and does not get to be active.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, INVALID_INPUT
   */
  markChurning(customerId: string, draft?: ReasonDraft, options?: CommandOptions): Promise<CustomerView>;
  /**
   * Takes a customer back: one who was about to leave is active again, or where it was not active before, back in
   * onboarding; one who had left goes through onboarding again.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, INVALID_INPUT
   */
  winBack(customerId: string, draft?: ReasonDraft, options?: CommandOptions): Promise<CustomerView>;
  /** Ends it all: its services are taken down. @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, INVALID_INPUT */
  deactivate(customerId: string, draft?: ReasonDraft, options?: CommandOptions): Promise<CustomerView>;
  /** Marks a customer as deleted; what is kept of it stays. @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, INVALID_INPUT */
  delete(customerId: string, draft?: ReasonDraft, options?: CommandOptions): Promise<CustomerView>;
  /** Takes back a deletion: the customer is inactive. @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, INVALID_INPUT */
  restore(customerId: string, draft?: ReasonDraft, options?: CommandOptions): Promise<CustomerView>;
}

/** The customers of one scope. */
export function customerService(context: LifecycleContext, identity: ScopeIdentity): CustomerService {
  const { store, clock, checklist } = context;
  const { customers } = store.tenant(identity.tenantId);
  const view = (customer: Customer): CustomerView => viewOf(customer, checklist, clock.now());
  const read = async (customerId: string, { trx }: JoinOptions = {}): Promise<Customer> => {
    const customer = await customers.get(customerId, trx);
    if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
    return customer;
  };
  const one = (customerId: string, step: Step, options?: CommandOptions): Promise<CustomerView> =>
    perform(context, identity, customerId, [step], view, options);
  const depart =
    (command: Departure) =>
    async (customerId: string, draft?: ReasonDraft, options?: CommandOptions): Promise<CustomerView> =>
      one(customerId, departureStep(command, draft), options);

  return {
    async register(draft, options?: CarryOutOptions) {
      const input = readDraft(registration, draft);
      const asked = { command: 'register', subject: null, input };
      const turn = await takeTurn<CustomerView>(context, identity, asked, options);
      if (turn.first) return turn.first;
      if (!options?.dryRun) await runBefore(context, identity, 'customer.register', input);
      return turn.commit(async (trx) => {
        const [made] = (await registerAll(context, identity, [input], trx)) as [Registered];
        if ('error' in made) throw made.error;
        const { customer, event } = made;
        if (options?.dryRun) throw await registrationUndone(context, customer, event, trx);
        const what = { customerId: customer.id, at: customer.createdAt, input, state: customer };
        await runInTransaction(context, identity, 'customer.register', what, trx);
        return { answer: view(customer), customer };
      });
    },
    get: async (customerId) => view(await read(customerId)),
    record: async (customerId) => recordOf(await read(customerId)),
    read,
    summary: async (customerId) =>
      summarize(store.tenant(identity.tenantId), await read(customerId), (entries) =>
        openEntries(context, identity.tenantId, customerId, entries),
      ),
    findByExternalId: (externalId, options) => customers.byExternalId(externalId, options?.trx),
    link: (customerId, draft, options) => linkCustomer(context, identity, customerId, draft, view, options),
    async update(customerId, draft, options) {
      const issue = async (customer: Customer, channel: Channel, trx: StoreTransaction): Promise<void> => {
        if (!possibleCommands(customer, checklist).includes('verify')) return;
        await issueToken(context, identity, customer, channel, trx).catch((error: unknown) => {
          // The customer, or its address, has had its share: it can ask again later, and nothing else waits for that.
          if (!isOperationError(error, 'VERIFICATION_RESEND_LIMITED')) throw error;
        });
      };
      return updateCustomer(context, identity, customerId, draft, { answer: view, issue }, options);
    },
    list: (draft = {}) => listCustomers(context, identity, draft),
    approve(customerId, options) {
      const decideWithin: DecideWithin = async (customer, { to }, { trx }) => {
        await context.store.outbox.append(await issueFirstTokens(context, identity, [customer], trx), trx);
        return {
          patch: { approval: 'approved' },
          event: { name: 'customer.approved', data: { from: customer.stage, to } },
        };
      };
      return one(customerId, { command: 'approve', input: {}, decideWithin }, options);
    },
    reject: depart('reject'),
    markChurning: depart('markChurning'),
    winBack: depart('winBack'),
    deactivate: depart('deactivate'),
    delete: depart('delete'),
    restore: depart('restore'),
  };
}

/** What undoes a registration, with what it came to. */
async function registrationUndone(
  { store }: LifecycleContext,
  customer: Customer,
  event: PendingEvent,
  trx: StoreTransaction,
): Promise<Undo> {
  const set = await store.tenant(customer.tenantId).timers.listFor(customer.id, trx);
  const timers = timerDifference([], set);
  return new Undo({
    before: null,
    after: customer,
    hooks: ['customer.register'],
    events: [event],
    operations: [],
    timers,
  });
}
