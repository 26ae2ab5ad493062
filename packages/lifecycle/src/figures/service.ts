import type { ScopeIdentity } from '@dotmac/core';
import { invalidInput } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { StageChange } from '../store/store.js';
import type { CustomerFigures } from './figures.js';
import { monthsOf, monthStart } from './months.js';
import { createReckoning } from './reckon.js';

/** Which time figures are of, in epoch ms. */
export interface FiguresAsk {
  /** Default: the first of the month eleven months ago. */
  from?: number | undefined;
  /** Before this. Default: now. */
  to?: number | undefined;
  /** Stops it between two batches. */
  signal?: AbortSignal | undefined;
}

/** Figures of one tenant's customers. */
export interface FiguresService {
  /**
   * Funnel, cohorts, churn and tenure, from the history of every customer. It is read through once, a page after another,
   * and added up on the way: what is kept of it does not grow with the customers.
   * @throws INVALID_INPUT for a time that is empty or touches more than 60 months
   */
  read(ask?: FiguresAsk): Promise<CustomerFigures>;
}

const mostMonths = 60;
const atOnce = 5_000;
/** Dates end there. */
const longest = 8.6e15;

/** The figures of one scope. */
export function figuresService({ store, clock }: LifecycleContext, { tenantId }: ScopeIdentity): FiguresService {
  const { history } = store.tenant(tenantId);
  return {
    async read({ to = clock.now(), from = monthStart(to, -11), signal } = {}) {
      // The months are counted no further than there may be any.
      const isTime = from < to && Math.abs(from) < longest && Math.abs(to) < longest;
      if (!isTime || monthsOf(from, Math.min(to, monthStart(from, mostMonths + 1))).length > mostMonths)
        throw invalidInput([{ path: 'from', message: `Give a time before "to", of ${mostMonths} months at the most` }]);
      const reckoning = createReckoning({ from, to });
      let customer: StageChange[] = [];
      for (let after: StageChange | undefined; ;) {
        signal?.throwIfAborted();
        const changes = await history.stageChanges({ before: to, after, limit: atOnce });
        for (const change of changes) {
          if (customer[0]?.customerId !== change.customerId) {
            reckoning.add(customer);
            customer = [];
          }
          customer.push(change);
        }
        after = changes.at(-1);
        if (changes.length < atOnce) break;
      }
      reckoning.add(customer);
      return reckoning.result();
    },
  };
}
