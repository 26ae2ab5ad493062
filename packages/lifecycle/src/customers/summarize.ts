import type { z } from 'zod';
import { detailsOf } from '../event-details.js';
import { requestOf } from '../services/instance.js';
import type { HistoryEntry, TenantStore } from '../store/store.js';
import type { Customer } from './customer.js';
import { enteredBy } from './entered-stage.js';
import { statusOf, type Stage } from './stage.js';
import type { CustomerSummary, lifecycleEvent } from './summary.js';

/** The last so many events, stage changes and services are shown. */
const shown = 100;

/** Reads a customer's summary. @param open gives events with what is sealed in them */
export async function summarize(
  { history, services }: TenantStore,
  customer: Customer,
  open: (entries: readonly HistoryEntry[]) => Promise<readonly HistoryEntry[]>,
): Promise<CustomerSummary> {
  const [events, changes, having] = await Promise.all([
    history.list(customer.id, { limit: shown }),
    history.list(customer.id, { limit: shown, stageChangesOnly: true }),
    services.list({ customerId: customer.id, limit: shown }),
  ]);
  return {
    userId: customer.id,
    currentStage: customer.stage,
    userStatus: statusOf(customer),
    createdAt: customer.createdAt,
    lastActivity: customer.updatedAt,
    lifecycleEvents: (await open(events)).map(shownEvent),
    stageHistory: stays(changes),
    services: having.items.map(requestOf),
  };
}

/** An event as it is shown: its details by the names of the wire. */
export function shownEvent({ event }: HistoryEntry): z.output<typeof lifecycleEvent> {
  const { id: eventId, name, at, actor } = event;
  return { id: eventId, eventType: name, timestamp: at, actor, details: detailsOf(event) };
}

function stays(changes: readonly HistoryEntry[]): CustomerSummary['stageHistory'] {
  return changes.map(({ event }, index) => ({
    stage: enteredBy(event) as Stage,
    enteredAt: event.at,
    leftAt: changes[index + 1]?.event.at ?? null,
  }));
}
