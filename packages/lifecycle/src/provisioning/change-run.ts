import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import type { CommandOptions } from '../customers/command-options.js';
import { takeTurn } from '../customers/turn.js';
import { happened, recordChange, type PendingEvent } from '../customers/record.js';
import { lifecycleErrors } from '../errors.js';
import type { Run } from './run.js';

/** A run in the transaction in which somebody changes it from outside. */
export interface RunMoment {
  run: Run;
  customer: Customer;
  at: number;
  trx: StoreTransaction;
}

/** What a change comes to: the run as it will be, and what happened, if anything did. */
export interface RunChange {
  run: Run;
  event?: PendingEvent;
  /** What follows from it. */
  more?: readonly PendingEvent[];
  /** Called once all that is written, with the customer as it is then. */
  takePart?: (customer: Customer) => Promise<void>;
}

/** What events tell of a run. */
export function toldOf({ id: requestId, serviceId, serviceName, operation }: Run) {
  return { requestId, serviceId, serviceName, operation };
}

/** @throws RUN_NOT_OPEN when a run is over, or on its way back */
export function mustBeOpen({ id: requestId, status, nextAt, direction }: Run): void {
  if (nextAt === null || direction === 'backward')
    throw lifecycleErrors.RUN_NOT_OPEN({ requestId, status, wanted: 'going on' });
}

/** What is asked for, by its name. */
export interface RunAsked {
  command: string;
  requestId: string;
  input?: unknown;
}

/** Changes a run. */
export type ChangeRun = (
  asked: RunAsked,
  options: CommandOptions | undefined,
  decide: (moment: RunMoment) => Promise<RunChange>,
) => Promise<Run>;

/**
 * Changes a run from outside, in one transaction under its customer's lock, with its events in the customer's history.
 * The worker that may hold the run writes it by its fence alone; what is changed here it looks for.
 */
export function changeRun(context: LifecycleContext, identity: ScopeIdentity): ChangeRun {
  const { store, clock } = context;
  const { customers, runs } = store.tenant(identity.tenantId);
  return async ({ command, requestId, input = null }, options, decide) => {
    const turn = await takeTurn<Run>(context, identity, { command, subject: requestId, input }, options);
    if (turn.first) return turn.first;
    return turn.commit(async (trx) => {
      const known = await runs.get(requestId, trx);
      const customer = known && (await customers.lock(known.customerId, trx));
      if (!customer) throw lifecycleErrors.PROVISIONING_NOT_FOUND({ requestId });
      const at = Math.max(clock.now(), customer.updatedAt);
      // As it is now that no other operator can change it.
      const run = (await runs.lock(requestId, trx)) ?? known;
      const change = await decide({ run, customer, at, trx });
      const pending = [...(change.event ? [change.event] : []), ...(change.more ?? [])];
      if (pending.length > 0) {
        const after = { ...customer, version: customer.version + pending.length, updatedAt: at };
        const events = pending.map((event) => happened(identity, customer.id, at, event));
        await recordChange(context, customer, after, events, trx);
        await change.takePart?.(after);
      }
      return { answer: change.run, customer };
    });
  };
}
