import { id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { blockSeverity } from '../customers/customer.js';
import { foldOn, type Folded } from '../customers/fold.js';
import { customerStatus, stage, statusOf } from '../customers/stage.js';
import { foldServices, type FoldedService } from '../services/fold.js';
import { serviceAccess, serviceStatus } from '../services/instance.js';
import type { HistoryStore } from '../store/store.js';

/** When a customer is asked for. */
export const stateQuery = z.object({ at: instant.optional().meta({ description: 'Default: now' }) });

const reasons = z.array(
  z.object({
    reason: z.string(),
    severity: blockSeverity,
    promisedUntil: instant.nullable().meta({ description: 'Payment was promised: no effect until then' }),
  }),
);

/** What a service was at some time. */
const serviceState = z
  .object({
    serviceId: id,
    serviceName: z.string(),
    status: serviceStatus.exclude(['provisioning']).meta({ description: '`pending` also while it was being set up' }),
    access: serviceAccess,
    reasons: reasons.meta({ description: 'Open ones of its own; those of its customer came on top' }),
    sparedReasons: z.array(z.string()).meta({ description: 'Open ones of its customer that did not count for it' }),
    isKept: z.boolean().meta({ description: 'It stayed though its customer had left' }),
    isTerminating: z.boolean().meta({ description: 'It was to be taken down' }),
    openRunId: id.nullable().meta({ description: 'What was being done to it' }),
  })
  .meta({ id: 'CustomerServiceState' });

/** What a customer was at some time. */
export const customerState = z
  .object({
    customerId: id,
    at: instant,
    seq: z.int().meta({ description: 'The last event until then' }),
    lifecycleStage: stage,
    status: customerStatus,
    approval: z.enum(['not_required', 'pending', 'approved', 'rejected']),
    reasons: reasons.meta({ description: 'Open ones' }),
    emailVerifiedAt: instant.nullable(),
    phoneVerifiedAt: instant.nullable(),
    since: instant.meta({ description: 'When the last event until then happened' }),
    services: z.array(serviceState).meta({ description: 'All that there were by then, oldest first' }),
  })
  .meta({ id: 'CustomerState' });

/** @see customerState */
export type CustomerState = z.output<typeof customerState>;

/** What a customer's events come to until an instant. */
interface FoldedUntil {
  customer: Folded;
  services: ReadonlyMap<string, FoldedService>;
}

const atOnce = 500;

/** Plays a customer's events until an instant; undefined when it was not there yet. */
export async function foldUntil(
  history: HistoryStore,
  customerId: string,
  at: number,
): Promise<FoldedUntil | undefined> {
  let state: FoldedUntil | undefined;
  for (;;) {
    const entries = await history.readFrom(customerId, { after: state?.customer.version ?? 0, limit: atOnce });
    // Times of one customer never go back.
    const events = entries.map(({ event }) => event).filter((event) => event.at <= at);
    if (events.length > 0)
      state = { customer: foldOn(state?.customer, events), services: foldServices(events, state?.services) };
    if (events.length < atOnce) return state;
  }
}

/** A state as it is shown. */
export function shownState(customerId: string, at: number, { customer, services }: FoldedUntil): CustomerState {
  const { version, stage: lifecycleStage, approval, emailVerifiedAt, phoneVerifiedAt, updatedAt } = customer;
  return {
    customerId,
    at,
    seq: version,
    lifecycleStage,
    status: statusOf(customer),
    approval,
    reasons: [...customer.reasons],
    emailVerifiedAt,
    phoneVerifiedAt,
    since: updatedAt,
    services: [...services]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([serviceId, service]) => ({
        serviceId,
        ...service,
        reasons: [...service.reasons],
        sparedReasons: [...service.sparedReasons],
      })),
  };
}
