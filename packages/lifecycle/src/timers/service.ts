import type { ScopeIdentity } from '@dotmac/core';
import { invalidInput, readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { lockToChange } from '../customers/lock.js';
import type { JoinOptions } from '../customers/perform.js';
import { lifecycleErrors } from '../errors.js';
import { writtenInput } from '../commands/input.js';
import { writtenInstant } from '../written-instant.js';
import { changeTimers, type Timer } from './timer.js';
import { timerInput, viewOfTimer, type TimerDraft, type TimerView } from './view.js';

/** Timers that one customer may have. */
const mostTimers = 100;

/** Commands to be given to one tenant's customers later. */
export interface TimerService {
  /**
   * Sets a timer. Its command is given at `dueAt` or, if nobody runs then, as soon as somebody does; not legal any
   * more, it is not given, and the history says so. An erasure that a legal hold, a service, a veto or a fault keeps from
   * being done is put off by a day, until it is done or the customer has come back.
   * @throws CUSTOMER_NOT_FOUND, CUSTOMER_ERASED, TIMER_LIMIT
   */
  set(customerId: string, draft: TimerDraft, options?: JoinOptions): Promise<TimerView>;
  /** A customer's timers, in the order of their times. @throws CUSTOMER_NOT_FOUND */
  list(customerId: string): Promise<TimerView[]>;
  /** Takes a timer away; content to find none. @throws CUSTOMER_NOT_FOUND */
  clear(customerId: string, name: string, options?: JoinOptions): Promise<{ message: string }>;
}

/** The timers of one scope. */
export function timerService(context: LifecycleContext, identity: ScopeIdentity): TimerService {
  const { store, clock } = context;
  const { customers, timers } = store.tenant(identity.tenantId);
  const mustExist = async (customerId: string, options?: JoinOptions): Promise<void> => {
    if (!(await customers.get(customerId, options?.trx))) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
  };

  return {
    async set(customerId, draft, options = {}) {
      const { dueAt, ...given } = readDraft(timerInput, {
        ...draft,
        ...writtenInput(draft.input),
        dueAt: writtenInstant(draft.dueAt),
      });
      if (/^(promise|dunning|journey):/.test(given.name))
        throw invalidInput([{ path: 'name', message: 'This beginning belongs to timers that are set by themselves' }]);
      const at = clock.now();
      await store.transaction(async (trx) => {
        await lockToChange(context, identity.tenantId, customerId, trx);
        const others = (await timers.listFor(customerId, trx)).filter(({ name }) => name !== given.name);
        if (others.length >= mostTimers) throw lifecycleErrors.TIMER_LIMIT({ limit: mostTimers });
        const set = { ...given, dueAt, anchorAt: at };
        await changeTimers(context, identity, customerId, [{ set }], { at, trx });
      }, options.trx);
      const found = (await timers.listFor(customerId, options.trx)).find((timer) => timer.name === given.name);
      return viewOfTimer(found as Timer);
    },
    async list(customerId) {
      await mustExist(customerId);
      return (await timers.listFor(customerId)).map(viewOfTimer);
    },
    async clear(customerId, timerName, options = {}) {
      await mustExist(customerId, options);
      await store.transaction((trx) => timers.clear(customerId, timerName, trx), options.trx);
      return { message: `There is no timer ${timerName} any more.` };
    },
  };
}
