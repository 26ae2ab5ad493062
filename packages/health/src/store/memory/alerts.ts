import type { MemoryTables } from '@dotmac/core';
import type { AlertRecord } from '../../alerts/alert.js';
import type { DueChannel, MessageRecord, TenantAlerts } from '../alerts.js';

/** The tables that alerts are kept in. */
export type AlertTables = { alerts: Map<string, AlertRecord>; messages: Map<string, MessageRecord> };

const keyOf = (tenantId: string, channelId: string, incidentId: string): string =>
  JSON.stringify([tenantId, channelId, incidentId]);

/** One tenant's alerts. */
export function memoryAlerts(
  tables: MemoryTables<AlertTables & Record<string, Map<string, never>>>,
  tenantId: string,
): TenantAlerts {
  const { alerts, messages } = tables.read;
  const own = (messageId: string): MessageRecord | undefined => {
    const found = messages.get(messageId);
    return found?.tenantId === tenantId ? found : undefined;
  };
  return {
    changeAlert: ({ channelId, incidentId }, change, trx) =>
      tables.transaction((rows) => {
        const key = keyOf(tenantId, channelId, incidentId);
        const changed = change(rows.alerts.get(key));
        if (changed) rows.alerts.set(key, changed);
        else if (changed === null) rows.alerts.delete(key);
      }, trx),
    waitingAlerts: (channelId, until, limit) => {
      const own = [...alerts.values()].filter((it) => it.tenantId === tenantId && it.channelId === channelId);
      return Promise.resolve(dueIn(own, until, limit));
    },
    alertsIn: (messageId) =>
      Promise.resolve(
        [...alerts.values()]
          .filter((it) => it.tenantId === tenantId && it.messageId === messageId)
          .sort((a, b) => (a.trouble.incidentId < b.trouble.incidentId ? -1 : 1)),
      ),
    removeAlertsOf: (channelId, trx) =>
      tables.transaction((rows) => {
        for (const table of [rows.alerts, rows.messages] as Map<string, { tenantId: string; channelId: string }>[])
          for (const [key, it] of [...table])
            if (it.tenantId === tenantId && it.channelId === channelId) table.delete(key);
      }, trx),
    message: (messageId) => Promise.resolve(own(messageId)),
    insertMessage: (message, trx) => tables.transaction((rows) => void rows.messages.set(message.id, message), trx),
    setPayload: (messageId, payload) =>
      tables.transaction((rows) => {
        const known = own(messageId);
        if (known) rows.messages.set(messageId, { ...known, payload });
      }),
    removeMessage: (messageId, trx) =>
      tables.transaction((rows) => void (own(messageId) && rows.messages.delete(messageId)), trx),
  };
}

/** The channels of alerts, each once. */
export function channelsOf(alerts: readonly AlertRecord[], limit: number): DueChannel[] {
  const channels = new Map(
    alerts.map(({ tenantId, channelId }) => [JSON.stringify([tenantId, channelId]), { tenantId, channelId }]),
  );
  return [...channels.values()].slice(0, limit);
}

/** Those that are due, the longest first. */
export function dueIn(alerts: Iterable<AlertRecord>, now: number, limit: number): AlertRecord[] {
  return [...alerts]
    .filter(({ dueAt }) => dueAt !== null && dueAt <= now)
    .sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0))
    .slice(0, limit);
}
