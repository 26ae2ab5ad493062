import {
  describeError,
  newId,
  type CancelTimer,
  type Clock,
  type Logger,
  type OutboxRelay,
  type StoreTransaction,
} from '@dotmac/core';
import type { HealthStore } from '../store/store.js';
import { asWanted, reminderAt, tellingOf, type AlertRecord, type Telling } from './alert.js';
import { audienceOf, type Audience } from './audience.js';
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
  /** Whether another process does this. */
  isElsewhere: () => boolean;
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
 * so that no alert is told twice by several processes that do this.
 */
export function createDispatcher({ store, relay, holdOf, isElsewhere, clock, logger }: DispatcherOptions): Dispatcher {
  let cancelTimer: CancelTimer | undefined;
  let dispatching: Promise<void> | undefined;

  /** Those to be told now; what there is no need to tell, or no leave, is put off, and what nobody wants goes. */
  const ready = async (due: readonly AlertRecord[]): Promise<AlertRecord[]> => {
    const found: AlertRecord[] = [];
    const audiences = new Map<string, Audience>();
    for (const known of due) {
      const { tenantId } = known;
      const audience = audiences.get(tenantId) ?? (await audienceOf(store.tenant(tenantId)));
      audiences.set(tenantId, audience);
      const [wish, now] = [audience.wishFor(known), clock.now()];
      const alert = asWanted(known, wish, now);
      if (alert?.dueAt !== known.dueAt) {
        await change(known, (it) => asWanted(it, wish, now));
        continue;
      }
      const telling = tellingOf(alert, clock.now());
      const hold = telling && (await holdOf(alert, telling));
      if (telling && !hold) found.push(alert);
      else await putOff(alert, hold);
    }
    return found;
  };
  /** Changes an alert, unless another process was faster. */
  const change = (
    { tenantId, channelId, trouble: { incidentId }, dueAt }: AlertRecord,
    to: (known: AlertRecord) => AlertRecord | null | undefined,
    trx?: StoreTransaction,
  ): Promise<void> =>
    store
      .tenant(tenantId)
      .changeAlert(
        { channelId, incidentId },
        (known) => (known?.dueAt === dueAt ? known && to(known) : undefined),
        trx,
      );
  const putOff = async (alert: AlertRecord, hold: Hold | undefined): Promise<void> => {
    const { tenantId, trouble, reminderMs } = alert;
    await change(alert, (known) => {
      // It came and went while it was held.
      if (hold && trouble.resolvedAt !== null) return known.told ? undefined : null;
      return { ...known, reminderMs, dueAt: hold ? hold.until : reminderAt(alert), held: hold?.text ?? null };
    });
    if (!hold || hold.text === alert.held || trouble.burn) return;
    const entry = { id: newId(), at: clock.now(), kind: 'held' as const, actor: 'system', text: hold.text };
    await store.tenant(tenantId).noteIncident(trouble.incidentId, entry, {});
  };
  /** Puts alerts of one channel into a message. */
  const send = async (alerts: readonly AlertRecord[]): Promise<void> => {
    const [{ tenantId, channelId }] = alerts as [AlertRecord];
    const tenant = store.tenant(tenantId);
    const [messageId, now] = [newId(), clock.now()];
    await store.transaction(async (trx) => {
      let taken = 0;
      for (const alert of alerts)
        await change(
          alert,
          (known) => {
            taken++;
            return { ...known, messageId, reminderMs: alert.reminderMs, dueAt: null, held: null };
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
    dispatching = (isElsewhere() ? Promise.resolve() : dispatch()).catch((error: unknown) =>
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
