import { createOutboxRelay, type Clock, type Logger, type OutboxRelay } from '@dotmac/core';
import { isNotDelivered } from '@dotmac/core/net';
import type { DeliverThrough } from '../channels/deliver-through.js';
import type { HealthEvents } from '../events.js';
import type { HealthMetrics } from '../metrics.js';
import type { ClockSteps } from '../monitoring/clock-steps.js';
import type { Directory } from '../monitoring/directory.js';
import { alertingEvents, alertSubscriber } from '../store/outbox-entries.js';
import type { HealthStore } from '../store/store.js';
import type { Calendar } from '../windows/calendar.js';
import { createMessenger } from './deliver.js';
import { createDispatcher } from './dispatch.js';
import { alertEvents } from './events.js';
import { holds } from './hold.js';
import { alertRouter } from './router.js';
import { messengerSubscriber } from './undelivered.js';

/** What alerting works with. */
export interface AlertsOptions {
  store: HealthStore;
  /** Brings incidents, and budgets that burn. */
  relay: OutboxRelay<HealthEvents>;
  directory: Directory;
  calendar: Calendar;
  through: DeliverThrough;
  /** Whether another process monitors, and puts what is due into messages. */
  isElsewhere: () => boolean;
  metrics: HealthMetrics | undefined;
  clock: Clock;
  steps: ClockSteps;
  logger: Logger;
}

/** Messages under way at once; each waits for somebody else's server. */
const concurrency = 100;
/** With waits that double from a second to ten minutes: given up after about two hours. */
const patience = { maxAttempts: 20, longestBackoffMs: 600_000 };
/**
 * About a minute, for which a receiver that is just put up again may fail: then what it has read and does not want is given
 * up, and all else that fails lets other messages of its channel pass.
 */
const attemptsInOrder = 7;

/**
 * From a trouble to whoever is to know of it, in three steps that survive a crash each: rules turn events into
 * alerts, the dispatcher puts alerts that are due into messages, and the messenger delivers those. The messenger has a
 * relay of its own, so that nobody waits for a server that hangs.
 */
export function createAlerts(options: AlertsOptions) {
  const { store, relay, directory, calendar, through, isElsewhere, metrics, clock, steps, logger } = options;
  relay.subscribe({ name: alertSubscriber, events: alertingEvents, deliver: alertRouter({ store, clock }) });
  const messages = createOutboxRelay({
    outbox: store.outbox,
    events: alertEvents,
    clock,
    logger,
    concurrency,
    ...patience,
  });
  const statusOf = (endpointId: string) => directory.get(endpointId)?.status;
  messages.subscribe({
    name: messengerSubscriber,
    ...createMessenger({ store, through, statusOf, metrics, clock }),
    mostAttempts: (error) => (isNotDelivered(error) && error.isRefused ? attemptsInOrder : undefined),
    attemptsInOrder,
  });
  const holdOf = holds({ directory, calendar, clock, steps });
  const dispatcher = createDispatcher({ store, relay: messages, holdOf, isElsewhere, clock, logger });
  return {
    start(): void {
      messages.start();
      dispatcher.start();
    },
    async stop(): Promise<void> {
      await dispatcher.stop();
      await messages.stop();
    },
  };
}
