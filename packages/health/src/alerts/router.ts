import type { AnyEvent, Clock } from '@dotmac/core';
import type { HealthEvents } from '../events.js';
import type { alertingEvents } from '../store/outbox-entries.js';
import type { HealthStore, TenantStore } from '../store/store.js';
import { afterNews, type Trouble } from './alert.js';
import { audienceOf } from './audience.js';
import { reminderMsOf } from './rule.js';

/** An event that alerts are made of. */
export type AlertingEvent = Extract<AnyEvent<HealthEvents>, { name: (typeof alertingEvents)[number] }>;

/**
 * Brings news of an incident, or of a budget that burns, to the alerts of every channel that a rule names, or named
 * when the channel was told. Safe to do twice: what is told follows from what the trouble is and what the channel was told, not from how often the news came.
 */
export function alertRouter({ store, clock }: { store: HealthStore; clock: Clock }) {
  return async (event: AlertingEvent): Promise<void> => {
    const { tenantId } = event;
    const tenant = store.tenant(tenantId);
    const trouble = troubleOf(event);
    const audience = await audienceOf(tenant);
    const channels = audience.channels.filter(({ id }) => event.name !== 'incident.opened' || audience.isNamed(id));
    if (channels.length === 0) return;
    const isDone = await isOver(tenant, trouble);
    for (const channel of channels) {
      const channelId = channel.id;
      const meant = audience.meaning(channelId, trouble);
      const isWanted = !isDone && channel.enabled && meant.length > 0;
      const [reminderMs, groupMs] = [reminderMsOf(meant), channel.groupWait * 1_000];
      const told = meant.length === 0 ? eased(trouble, event.at) : trouble;
      const news = { tenantId, channelId, trouble: told, isWanted, reminderMs, groupMs, now: clock.now() };
      await tenant.changeAlert({ channelId, incidentId: trouble.incidentId }, (known) => afterNews(known, news));
    }
  };
}

/** Whether a trouble is over and was told, or need not be: news of it is old then, and came twice. */
async function isOver(tenant: TenantStore, { incidentId, burn }: Trouble): Promise<boolean> {
  if (burn) return (await tenant.objectives.get(burn.objectiveId))?.burn?.id !== incidentId;
  const incident = await tenant.incident(incidentId);
  if (incident?.resolvedAt === null) return false;
  // Gone with its endpoint, or long over: nothing would ever end what is told of it now.
  if (!incident) return true;
  const { entries, leftOut } = await tenant.timeline(incidentId);
  return leftOut > 0 || entries.some(({ kind }) => kind === 'told');
}

/** An incident is told to its end. A budget that burns slower than a channel is to know is over as far as that goes. */
function eased(trouble: Trouble, at: number): Trouble {
  return trouble.burn ? { ...trouble, resolvedAt: trouble.resolvedAt ?? at } : trouble;
}

function troubleOf({ name, subject, at, data }: AlertingEvent): Trouble {
  if (!('burnId' in data)) return { ...data, endpointId: subject, acknowledged: name === 'incident.acknowledged' };
  const { burnId: incidentId, name: endpointName, endpointId, tags, startedAt, windowDays, left } = data;
  const isBurning = 'burnRate' in data;
  return {
    ...{ incidentId, endpointId, endpointName, tags, startedAt, text: '' },
    ...{ acknowledged: false, flapping: false, resolvedAt: isBurning ? null : at },
    severity: data.severity,
    burn: { objectiveId: subject, rate: isBurning ? data.burnRate : 0, windowDays, left },
  };
}
