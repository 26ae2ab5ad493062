import { describeError, newId, type CancelTimer, type Clock, type Logger, type OutboxRelay } from '@dotmac/core';
import type { HealthStore } from '../store/store.js';
import { tellingOf, type AlertRecord, type Telling } from './alert.js';
import { alertEvents, type AlertEvents } from './events.js';
import type { Hold } from './hold.js';

/** Puts what is due to be told into messages. */
export interface Dispatcher {
  /** Looks once; resolves when it is done. */
  dispatch(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** What a dispatcher works with. */
export interface DispatcherOptions {
  store: HealthStore;
  relay: OutboxRelay<AlertEvents>;
  /** What keeps an alert from being told. */
  holdOf: (alert: AlertRecord, telling: Telling) => Promise<Hold | undefined>;
  clock: Clock;
  logger: Logger;
}

const tickMs = 1_000;
const mostAtOnce = 500;
/** More would make a message that nobody reads. */
const mostInMessage = 100;

/**
 * Makes a dispatcher. Once a second it takes the alerts that are due, leaves those that something holds up, and puts
 * the others of one channel into one message; the message and the outbox entry that delivers it are one transaction,
 * so several processes may do this side by side.
 */
export function createDispatcher({ store, relay, holdOf, clock, logger }: DispatcherOptions): Dispatcher {
  let cancelTimer: CancelTimer | undefined;
  let dispatching: Promise<void> | undefined;

  /** Those to be told now; what there is no need to tell, or no leave, is put off. */
  const ready = async (due: readonly AlertRecord[]): Promise<AlertRecord[]> => {
    const found: AlertRecord[] = [];
    for (const alert of due) {
      const telling = tellingOf(alert, clock.now());
      const hold = telling && (await holdOf(alert, telling));
      if (telling && !hold) found.push(alert);
      else await putOff(alert, hold);
    }
    return found;
  };
  const putOff = async (alert: AlertRecord, hold: Hold | undefined): Promise<void> => {
    const { tenantId, channelId, trouble } = alert;
    const tenant = store.tenant(tenantId);
    await tenant.changeAlert({ channelId, incidentId: trouble.incidentId }, (known) => {
      if (!known || known.dueAt !== alert.dueAt) return undefined;
      // It came and went while it was held.
      if (hold && trouble.resolvedAt !== null) return known.told ? undefined : null;
      return { ...known, dueAt: hold?.until ?? null, held: hold?.text ?? null };
    });
    if (!hold || hold.text === alert.held || trouble.burn) return;
    const entry = { id: newId(), at: clock.now(), kind: 'held' as const, actor: 'system', text: hold.text };
    await tenant.noteIncident(trouble.incidentId, entry, {});
  };
  /** Puts alerts of one channel into a message. */
  const send = async (alerts: readonly AlertRecord[]): Promise<void> => {
    const [{ tenantId, channelId }] = alerts as [AlertRecord];
    const tenant = store.tenant(tenantId);
    const [messageId, now] = [newId(), clock.now()];
    await store.transaction(async (trx) => {
      let taken = 0;
      for (const { trouble, dueAt } of alerts)
        await tenant.changeAlert(
          { channelId, incidentId: trouble.incidentId },
          (known) => {
            // Another process was faster.
            if (known?.dueAt !== dueAt) return undefined;
            taken++;
            return { ...known, messageId, dueAt: null, held: null };
          },
          trx,
        );
      if (taken === 0) return;
      await tenant.insertMessage({ id: messageId, tenantId, channelId, payload: null, createdAt: now }, trx);
      const of = { tenantId, actor: 'system', subject: channelId, at: now, data: { messageId } };
      await relay.publish([alertEvents.create('message.due', of)], trx);
    });
  };
  const dispatch = async (): Promise<void> => {
    for (;;) {
      const due = await store.dueAlerts(clock.now(), mostAtOnce);
      const channels = new Map<string, AlertRecord[]>();
      for (const alert of await ready(due)) {
        const key = JSON.stringify([alert.tenantId, alert.channelId]);
        channels.set(key, [...(channels.get(key) ?? []), alert]);
      }
      for (const alerts of channels.values())
        for (let at = 0; at < alerts.length; at += mostInMessage) await send(alerts.slice(at, at + mostInMessage));
      if (due.length < mostAtOnce) return;
    }
  };
  const tick = async (): Promise<void> => {
    dispatching = dispatch().catch((error: unknown) =>
      logger.warn(describeError(error), 'alerts cannot be dispatched, and wait'),
    );
    await dispatching;
    if (cancelTimer) cancelTimer = clock.after(tickMs, () => void tick());
  };
  return {
    dispatch,
    start() {
      cancelTimer ??= clock.after(tickMs, () => void tick());
    },
    async stop() {
      cancelTimer?.();
      cancelTimer = undefined;
      await dispatching;
    },
  };
}
