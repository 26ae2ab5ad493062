import { freeForm, id, instant, wireOf } from '@dotmac/core/contract';
import { z } from 'zod';
import { lifecycleEvents } from '../events.js';
import { requestOf, serviceRequest } from '../provisioning/run.js';
import type { HistoryEntry, TenantStore } from '../store/store.js';
import type { Customer } from './customer.js';
import { customerStatus, stage, statusOf, type Stage } from './stage.js';

/** The last so many events, stage changes and services are shown. */
const shown = 100;

/** An event of a customer's history. */
export const lifecycleEvent = z
  .object({
    id,
    eventType: z.string().meta({ examples: ['customer.suspended'] }),
    timestamp: instant,
    actor: z.string(),
    details: freeForm,
  })
  .meta({ id: 'LifecycleEvent' });

/** A stay in a stage. */
export const stageStay = z
  .object({ stage, enteredAt: instant, leftAt: instant.nullable().meta({ description: 'Null: still there' }) })
  .meta({ id: 'LifecycleStageStay' });

/** What a customer went through: its last hundred events, stages and services. */
export const customerSummary = z
  .object({
    userId: id,
    currentStage: stage,
    userStatus: customerStatus,
    createdAt: instant,
    lastActivity: instant,
    lifecycleEvents: z.array(lifecycleEvent).meta({ description: 'Oldest first' }),
    stageHistory: z.array(stageStay).meta({ description: 'Oldest first' }),
    services: z.array(serviceRequest).meta({ description: 'Newest first' }),
  })
  .meta({ id: 'CustomerSummary' });

/** @see customerSummary */
export type CustomerSummary = z.output<typeof customerSummary>;

/** Reads a customer's summary. */
export async function summarize({ history, runs }: TenantStore, customer: Customer): Promise<CustomerSummary> {
  const [events, changes, services] = await Promise.all([
    history.list(customer.id, { limit: shown }),
    history.list(customer.id, { limit: shown, stageChangesOnly: true }),
    runs.listFor(customer.id, shown),
  ]);
  return {
    userId: customer.id,
    currentStage: customer.stage,
    userStatus: statusOf[customer.stage],
    createdAt: customer.createdAt,
    lastActivity: customer.updatedAt,
    lifecycleEvents: events.map(shownEvent),
    stageHistory: stays(changes),
    services: services.map(requestOf),
  };
}

function shownEvent({ event }: HistoryEntry): z.output<typeof lifecycleEvent> {
  const { id: eventId, name, at, actor, data } = event;
  // The details are a free-form record on the wire, so that their names are spelled here.
  const details = wireOf(lifecycleEvents.schemas[name] as z.ZodType).render(data) as Record<string, unknown>;
  return { id: eventId, eventType: name, timestamp: at, actor, details };
}

function stays(changes: readonly HistoryEntry[]): CustomerSummary['stageHistory'] {
  return changes.map(({ event }, index) => ({
    stage: enteredBy(event) as Stage,
    enteredAt: event.at,
    leftAt: changes[index + 1]?.event.at ?? null,
  }));
}

/** The stage that an event led into; null when it led into none. */
export function enteredBy({ data }: HistoryEntry['event']): Stage | null {
  if (!('to' in data)) return null;
  return 'from' in data && data.from === data.to ? null : data.to;
}
