import type { ScopeIdentity } from '@dotmac/core';
import { invalidInput, readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { lockToChange } from '../customers/lock.js';
import type { JoinOptions } from '../customers/command-options.js';
import { happened, recordChange } from '../customers/record.js';
import { lifecycleErrors } from '../errors.js';
import { checkInput } from '../commands/check-input.js';
import { writtenInput } from '../commands/input.js';
import { writtenInstant } from '../written-instant.js';
import { changeTimers } from './change.js';
import { isOwnName } from './own-names.js';
import type { Timer } from './timer.js';
import { timerInput, viewOfTimer, type TimerDraft, type TimerView } from './view.js';

/** Timers that one customer may have. */
const mostTimers = 100;

/** Commands to be given to one tenant's customers later. */
export interface TimerService {
  /**
   * Sets a timer. Its command is given at `dueAt` or, if nobody runs then, as soon as somebody does; not legal any
   * more, it is not given, and the history says so. An erasure that a legal hold, a service, a veto or a fault keeps from
   * being done is put off by a day, until it is done or the customer has come back, be it restored alone.
   * @throws CUSTOMER_NOT_FOUND, CUSTOMER_ERASED, TIMER_LIMIT, INVALID_INPUT (also for what its command would refuse)
   */
  set(customerId: string, draft: TimerDraft, options?: JoinOptions): Promise<TimerView>;
  /** A customer's timers, in the order of their times. @throws CUSTOMER_NOT_FOUND */
  list(customerId: string): Promise<TimerView[]>;
  /**
   * Takes a timer away, which the history says (`customer.timer_cleared`); content to find none. Those that dunning,
   * journeys, services and promises set by themselves stay as long as there is code that knows what they are for.
   * @throws CUSTOMER_NOT_FOUND, INVALID_INPUT
   */
  clear(customerId: string, name: string, options?: JoinOptions): Promise<{ message: string }>;
}

/** Is this a timer of our own, that code has a use for? */
function isOurs({ dunning, journeys }: LifecycleContext, { name, command, input }: Timer): boolean {
  if (command === 'dunningStep') return dunning.some((policy) => policy.name === input.policy);
  if (command === 'journeyStep') return journeys.some((journey) => journey.name === input.journey);
  return isOwnName(name);
}

const own = () =>
  invalidInput([{ path: 'name', message: 'This beginning belongs to timers that are set by themselves' }]);

/** The timers of one scope. */
export function timerService(context: LifecycleContext, identity: ScopeIdentity): TimerService {
  const { store, clock } = context;
  const { customers, timers } = store.tenant(identity.tenantId);

  return {
    async set(customerId, draft, options = {}) {
      const { dueAt, ...given } = readDraft(timerInput, {
        ...draft,
        ...writtenInput(draft.input),
        dueAt: writtenInstant(draft.dueAt),
      });
      if (isOwnName(given.name)) throw own();
      checkInput(given.command, given.input);
      const at = clock.now();
      return store.transaction(async (trx) => {
        await lockToChange(context, identity.tenantId, customerId, trx);
        const others = (await timers.listFor(customerId, trx)).filter(({ name }) => name !== given.name);
        if (others.length >= mostTimers) throw lifecycleErrors.TIMER_LIMIT({ limit: mostTimers });
        const set = { ...given, dueAt, anchorAt: at };
        await changeTimers(context, identity, customerId, [{ set }], { at, trx });
        // Once this has committed it may be gone: its command may have been given.
        const found = (await timers.listFor(customerId, trx)).find((timer) => timer.name === given.name);
        return viewOfTimer(found as Timer);
      }, options.trx);
    },
    async list(customerId) {
      if (!(await customers.get(customerId))) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
      return (await timers.listFor(customerId)).map(viewOfTimer);
    },
    async clear(customerId, timerName, options = {}) {
      await store.transaction(async (trx) => {
        const customer = await customers.lock(customerId, trx);
        if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
        const timer = (await timers.listFor(customerId, trx)).find(({ name }) => name === timerName);
        if (!timer) return;
        if (isOurs(context, timer)) throw own();
        await timers.clear(customerId, timerName, trx);
        const at = Math.max(clock.now(), customer.updatedAt);
        const data = { timer: timerName, command: timer.command, dueAt: timer.dueAt };
        const event = happened(identity, customerId, at, { name: 'customer.timer_cleared', data });
        const after = { ...customer, version: customer.version + 1, updatedAt: at };
        await recordChange(context, customer, after, [event], trx);
      }, options.trx);
      return { message: `There is no timer ${timerName} any more.` };
    },
  };
}
