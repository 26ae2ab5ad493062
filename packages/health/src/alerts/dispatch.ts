import {
  describeError,
  newId,
  type CancelTimer,
  type Clock,
  type Logger,
  type OutboxRelay,
  type StoreTransaction,
} from '@dotmac/core';
import type { DueChannel } from '../store/alerts.js';
import type { HealthStore, TenantStore } from '../store/store.js';
import { asWanted, inMessage, reminderAt, tellingOf, type AlertRecord, type Telling } from './alert.js';
import { audienceOf, type Audience } from './audience.js';
import { alertEvents, type AlertEvents } from './events.js';
import type { Hold } from './hold.js';
import { channelKey, turnsOf, type Turn } from './turns.js';

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
/** What a channel is told in one turn of its tenant, and about what a tenant is; the rest has its turn after the others. */
const mostInTurn = 500;
/** Channels that wait for a turn; more wait until some of these have been told. */
const mostChannels = 10_000;
/** Wall clocks are slewed by less from one look to the next; what is more was set. */
const leastStepMs = 2_000;
/** A channel that cannot be told for its own fault, and not for the store's, is looked at again after this. */
const failedMs = 5_000;
/** What waits when a clock is set back, beyond which nothing is moved. */
const mostMoved = 10_000;
/** More would make a message that nobody reads. */
const mostInMessage = 100;

/**
 * Makes a dispatcher. Once a second it takes the alerts that are due, leaves those that something holds up, and puts
 * the others of one channel into one message, along with what waits there for more to tell: what comes within a group wait
 * is told when the first of it is due. The message and the outbox entry that delivers it are one transaction,
 * so that no alert is told twice by several processes that do this. Tenants take turns, so that a storm of one's is no
 * delay for another's.
 */
export function createDispatcher({ store, relay, holdOf, isElsewhere, clock, logger }: DispatcherOptions): Dispatcher {
  let cancelTimer: CancelTimer | undefined;
  let dispatching: Promise<void> | undefined;
  const aheadOf = (): number => clock.now() - clock.monotonic();
  /** Until when channels that cannot be told are left alone, by the monotonic clock. */
  const aside = new Map<string, number>();
  /** By how much the wall clock was set back since what is due was last moved along with it. */
  let [ahead, setBackMs] = [aheadOf(), 0];

  /** Those to be told now; what there is no need to tell, or no leave, is put off, and what nobody wants goes. */
  const ready = async (due: readonly AlertRecord[], audience: Audience): Promise<AlertRecord[]> => {
    const found: AlertRecord[] = [];
    for (const known of due) {
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
  /** What still waits for more to tell, and goes along with what is told now; all else is left to its own time. */
  const joining = async (waiting: readonly AlertRecord[], audience: Audience): Promise<AlertRecord[]> => {
    const found: AlertRecord[] = [];
    for (const known of waiting) {
      const now = clock.now();
      const alert = known.held === null ? asWanted(known, audience.wishFor(known), now) : null;
      const telling = alert?.dueAt === known.dueAt ? tellingOf(alert, now) : undefined;
      if (alert && telling && !(await holdOf(alert, telling))) found.push(alert);
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
    const entry = { id: newId(), at: clock.now(), kind: 'held' as const, actor: 'system', code: null, text: hold.text };
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
            return inMessage({ ...known, reminderMs: alert.reminderMs }, messageId);
          },
          trx,
        );
      if (taken === 0) return;
      await tenant.insertMessage({ id: messageId, tenantId, channelId, payload: null, createdAt: now }, trx);
      const of = { tenantId, actor: 'system', subject: channelId, at: now, data: { messageId } };
      // The delivery bears the message's id, so that whoever removes it knows the message by that.
      const entries = relay.entriesOf([alertEvents.create('message.due', of)]);
      await store.outbox.append(
        entries.map((entry) => ({ ...entry, deliveryId: messageId })),
        trx,
      );
    });
  };
  const lookAtClock = (): void => {
    const step = ahead - aheadOf();
    ahead -= step;
    // The monotonic clock has fractions; what is due is kept in whole milliseconds.
    if (Math.abs(step) >= leastStepMs) setBackMs = Math.max(0, setBackMs + Math.round(step));
    // Who dispatches has seen it as well.
    if (isElsewhere()) setBackMs = 0;
  };
  /** What was due by a clock that was set back since would wait as much longer. */
  const followClock = async (): Promise<void> => {
    if (setBackMs === 0) return;
    const [now, by] = [clock.now(), setBackMs];
    const waiting = await store.dueAlerts(Number.MAX_SAFE_INTEGER, mostMoved);
    // Once each: what cannot be moved now just waits longer.
    setBackMs = 0;
    for (const alert of waiting) {
      const { dueAt, told } = alert;
      if (dueAt === null || dueAt <= now) continue;
      await change(alert, (it) => ({ ...it, told: told && { ...told, at: told.at - by }, dueAt: dueAt - by }));
    }
  };
  /**
   * Tells a channel what it is to be told by now, if anything, and with it what would be told within its group wait. Returns
   * how many alerts it looked at.
   */
  const tell = async (tenant: TenantStore, channelId: string, audience: Audience): Promise<number> => {
    const now = clock.now();
    const waitMs = (audience.channels.find(({ id }) => id === channelId)?.groupWait ?? 0) * 1_000;
    const waiting = await tenant.waitingAlerts(channelId, now + waitMs, mostInTurn);
    const isDue = ({ dueAt }: AlertRecord): boolean => dueAt !== null && dueAt <= now;
    const alerts = await ready(waiting.filter(isDue), audience);
    if (alerts.length === 0) return waiting.length;
    const later = waiting.filter((it) => !isDue(it));
    alerts.push(...(await joining(later, audience)));
    for (let at = 0; at < alerts.length; at += mostInMessage) await send(alerts.slice(at, at + mostInMessage));
    return waiting.length;
  };
  /** Gives a tenant its turn, and says whether something may be left for its next. */
  const give = async ({ tenantId, channelIds }: Turn, noteTurn: (of: DueChannel) => void): Promise<boolean> => {
    const tenant = store.tenant(tenantId);
    let audience: Audience | undefined;
    let looked = 0;
    for (const channelId of channelIds) {
      if (looked >= mostInTurn) return true;
      noteTurn({ tenantId, channelId });
      try {
        audience ??= await audienceOf(tenant);
        looked += await tell(tenant, channelId, audience);
      } catch (error) {
        // What fails for one channel keeps no other from being told.
        aside.set(channelKey({ tenantId, channelId }), clock.monotonic() + failedMs);
        logger.warn({ tenantId, channelId, ...describeError(error) }, 'a channel cannot be told, and waits');
      }
    }
    return looked >= mostInTurn;
  };
  const dispatch = async (): Promise<void> => {
    await followClock();
    const hadTurn = new Map<string, number>();
    for (let round = 1, isLeft = true; isLeft; round++) {
      for (const [key, until] of aside) if (until <= clock.monotonic()) aside.delete(key);
      // Asked anew in every round: what comes due while a storm lasts has its turn in the next.
      const due = (await store.dueChannels(clock.now(), mostChannels)).filter((it) => !aside.has(channelKey(it)));
      isLeft = false;
      for (const turn of turnsOf(due, hadTurn))
        if (await give(turn, (of) => void hadTurn.set(channelKey(of), round))) isLeft = true;
    }
  };
  const tick = async (): Promise<void> => {
    lookAtClock();
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
