import { isWorse, type AlertSeverity } from './severity.js';

/** What there can be to tell of a trouble. */
export type Telling = 'opened' | 'worsened' | 'reminder' | 'resolved';

/** What burns, as it was when that began or grew worse. */
export interface Burn {
  objectiveId: string;
  /** How many times as fast as would just last. */
  rate: number;
  /** The days that the budget is for. */
  windowDays: number;
  /** The share of the budget that is left; negative when it was not enough. */
  left: number;
}

/** An incident, or a budget that burns, as its events have told of it. Instants are epoch ms. */
export interface Trouble {
  /** Of the incident, or of the time that a budget burns. */
  incidentId: string;
  /** Null for an objective of many endpoints. */
  endpointId: string | null;
  /** Or the objective's. */
  endpointName: string;
  /** The worst so far; of a budget, as it burns now. */
  severity: AlertSeverity;
  /** What the check found, for programs; null when no check did. */
  code?: string | null;
  text: string;
  tags: readonly string[];
  startedAt: number;
  resolvedAt: number | null;
  /** Somebody looks after it: there is nothing to remind of. */
  acknowledged: boolean;
  /** Its endpoint comes and goes: one incident lasts as long as that does. */
  flapping: boolean;
  /** Of an objective only. */
  burn?: Burn;
}

/** One trouble on its way to one channel. */
export interface AlertRecord {
  tenantId: string;
  channelId: string;
  trouble: Trouble;
  /** What the channel has been told last; null before anything. */
  told: { kind: Telling; severity: AlertSeverity; at: number } | null;
  /** From one reminder to the next; null for none. */
  reminderMs: number | null;
  /** What keeps it from being told, as it was last looked at. */
  held: string | null;
  /** When to look whether there is something to tell; null when nothing is expected. */
  dueAt: number | null;
  /** The message that it is in: one that is on its way, or was given up and can be tried again. */
  messageId: string | null;
  /** While that is on its way: what there is to tell meanwhile waits until it has arrived or was given up. */
  onItsWay: { hasNews: boolean } | null;
}

/** News of a trouble, as far as one channel goes. */
export interface News {
  tenantId: string;
  channelId: string;
  trouble: Trouble;
  /** Whether a rule wants the channel to be told, had it not been told yet. */
  isWanted: boolean;
  reminderMs: number | null;
  /** How long a message waits for more. */
  groupMs: number;
  now: number;
}

/** What is wanted of an alert that there is already, as rules and channels are now. */
export interface Wish {
  /** Its channel is. */
  isEnabled: boolean;
  /** A rule means it. */
  isMeant: boolean;
  reminderMs: number | null;
}

/** What there is to tell now, if anything. */
export function tellingOf(
  { trouble, told, reminderMs }: Pick<AlertRecord, 'trouble' | 'told' | 'reminderMs'>,
  now: number,
): Telling | undefined {
  if (trouble.resolvedAt !== null) return told?.kind === 'resolved' ? undefined : 'resolved';
  if (!told) return 'opened';
  if (isWorse(trouble.severity, told.severity)) return 'worsened';
  const isDue = reminderMs !== null && !trouble.acknowledged && now - told.at >= reminderMs;
  return isDue ? 'reminder' : undefined;
}

/**
 * An alert after news of its trouble: undefined when there is none. An incident that is over stays so, whatever was found
 * out before that was known; a budget may burn again.
 */
export function afterNews(known: AlertRecord | undefined, news: News): AlertRecord | undefined {
  const { tenantId, channelId, trouble, isWanted, reminderMs, groupMs, now } = news;
  if (!known) {
    if (!isWanted || trouble.resolvedAt !== null) return undefined;
    const none = { told: null, held: null, messageId: null, onItsWay: null };
    return { tenantId, channelId, trouble, reminderMs, ...none, dueAt: now + groupMs };
  }
  if (known.trouble.resolvedAt !== null && trouble.resolvedAt === null && !trouble.burn) return undefined;
  // With an acknowledgement come a remark, and what its author saw: neither is what there is to tell.
  const acknowledged = trouble.acknowledged || known.trouble.acknowledged;
  const changed = { ...known, trouble: { ...(trouble.acknowledged ? known.trouble : trouble), acknowledged } };
  const isNews = tellingOf(changed, now) !== undefined;
  // Two messages about one trouble are never on their way at once: the second could arrive first.
  if (isNews && known.onItsWay) return { ...changed, onItsWay: { hasNews: true } };
  return isNews ? { ...changed, dueAt: Math.min(known.dueAt ?? Infinity, now + groupMs) } : changed;
}

/**
 * An alert that is due as it is wanted now: null when nobody is to hear of it any more, and put off when there is nothing
 * to be told for now. What a channel was told is kept, so that it is told to its end.
 */
export function asWanted(alert: AlertRecord, wish: Wish, now: number): AlertRecord | null {
  const isOver = alert.trouble.resolvedAt !== null;
  if (alert.told ? isOver && !wish.isEnabled : !wish.isEnabled || !wish.isMeant) return null;
  const { reminderMs } = wish;
  if (wish.isEnabled && (isOver || wish.isMeant)) return { ...alert, reminderMs };
  const dueAt = reminderMs === null ? null : now + reminderMs;
  return { ...alert, reminderMs, held: null, messageId: null, onItsWay: null, dueAt };
}

/** When there will be something to remind of; null for never. */
export function reminderAt({ trouble, told, reminderMs }: AlertRecord): number | null {
  const isWanted = told !== null && reminderMs !== null && trouble.resolvedAt === null && !trouble.acknowledged;
  return isWanted ? told.at + reminderMs : null;
}

/** An alert that is put into a message. */
export function inMessage(alert: AlertRecord, messageId: string): AlertRecord {
  return { ...alert, messageId, onItsWay: { hasNews: false }, dueAt: null, held: null };
}

/** An alert whose message is tried again that was given up. */
export function onItsWayAgain(alert: AlertRecord): AlertRecord {
  return { ...alert, onItsWay: { hasNews: alert.dueAt !== null }, dueAt: null };
}

/** An alert that its message tells nothing of, or has told of. */
export function outOfMessage(alert: AlertRecord, now: number): AlertRecord {
  const { onItsWay, dueAt } = alert;
  const next = onItsWay?.hasNews ? now : (dueAt ?? reminderAt(alert));
  return { ...alert, messageId: null, onItsWay: null, dueAt: next };
}

/**
 * An alert after its channel was told of it by a message: null when there will be no more to tell. What began again while
 * its end was on its way is told from its beginning.
 */
export function afterTelling(
  known: AlertRecord,
  { messageId, kind, severity, now }: { messageId: string; kind: Telling; severity: AlertSeverity; now: number },
): AlertRecord | null {
  if (kind === 'resolved') {
    if (known.trouble.resolvedAt !== null) return null;
    const anew = { ...known, told: null };
    const isInAnother = known.onItsWay !== null && known.messageId !== messageId;
    return isInAnother ? anew : { ...anew, messageId: null, onItsWay: null, dueAt: now };
  }
  const told = { ...known, told: { kind, severity, at: now } };
  return known.messageId === messageId ? outOfMessage(told, now) : told;
}

/**
 * An alert after the message that it is in was given up: what came meanwhile is told now, and what lasts when there would
 * be something to remind of.
 */
export function afterGivingUp(alert: AlertRecord, now: number): AlertRecord {
  const { trouble, reminderMs, dueAt, onItsWay } = alert;
  const isWanted = reminderMs !== null && trouble.resolvedAt === null && !trouble.acknowledged;
  const next = onItsWay?.hasNews ? now : (dueAt ?? (isWanted ? now + reminderMs : null));
  return { ...alert, onItsWay: null, dueAt: next };
}
