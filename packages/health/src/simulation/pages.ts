import { afterNews, afterTelling, inMessage, tellingOf, type AlertRecord, type Trouble } from '../alerts/alert.js';
import { defaultSeverities } from '../alerts/rule.js';
import { defaultGroupWait } from '../channels/channel.js';

/** Counts how often somebody would have been told. */
export interface Pager {
  /** Something that rules are told of an incident. @param at epoch ms, no earlier than before */
  news(trouble: Trouble, at: number): void;
  /** How often somebody was told until then, epoch ms, and of what is about to be told. */
  count(until: number): number;
}

/**
 * A channel and a rule with default settings: critical and offline, told once when they begin and when they grow worse, or
 * when they were over before that could be told. The end of what was told is no page.
 */
export function createPager(): Pager {
  const groupMs = defaultGroupWait * 1_000;
  const alerts = new Map<string, AlertRecord>();
  let pages = 0;
  const tellUntil = (now: number): void => {
    for (const [key, alert] of alerts) {
      const { dueAt } = alert;
      if (dueAt === null || dueAt > now) continue;
      const kind = tellingOf(alert, dueAt);
      if (kind && (kind !== 'resolved' || !alert.told)) pages++;
      const told = { messageId: '', kind: kind ?? 'resolved', severity: alert.trouble.severity, now: dueAt };
      const left = afterTelling(inMessage(alert, ''), told);
      if (left) alerts.set(key, left);
      else alerts.delete(key);
    }
  };
  return {
    news(trouble, at) {
      tellUntil(at);
      const isWanted = defaultSeverities.includes(trouble.severity);
      const of = { tenantId: '', channelId: '', trouble, isWanted, reminderMs: null, groupMs, now: at };
      const next = afterNews(alerts.get(trouble.incidentId), of);
      if (next) alerts.set(trouble.incidentId, next);
    },
    count(until) {
      tellUntil(until + groupMs);
      return pages;
    },
  };
}
