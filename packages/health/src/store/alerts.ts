import type { StoreTransaction } from '@dotmac/core';
import type { AlertRecord } from '../alerts/alert.js';

/** A message on its way to a channel. */
export interface MessageRecord {
  id: string;
  tenantId: string;
  channelId: string;
  /** Its text as it is delivered on every attempt; null until it is put together. */
  payload: string | null;
  createdAt: number;
}

/** A channel that there is something to tell. */
export type DueChannel = Pick<AlertRecord, 'tenantId' | 'channelId'>;

/** How many alerts that are due are looked at for the channels that they are due for. */
export const mostDueLookedAt = 100_000;

/** One tenant's alerts: for each channel the incidents that it is told of, and the messages that tell it. */
export interface TenantAlerts {
  /**
   * Changes one alert, alone: undefined leaves it as it is, null removes it. `change` may be called again after a
   * conflict.
   */
  changeAlert(
    of: { channelId: string; incidentId: string },
    change: (known: AlertRecord | undefined) => AlertRecord | null | undefined,
    trx?: StoreTransaction,
  ): Promise<void>;
  /** A channel's alerts that are due by `until` (epoch ms), the longest first. */
  waitingAlerts(channelId: string, until: number, limit: number): Promise<AlertRecord[]>;
  /** The alerts that a message tells of, by incident. */
  alertsIn(messageId: string): Promise<AlertRecord[]>;
  /** Every alert of a channel goes, and every message. */
  removeAlertsOf(channelId: string, trx?: StoreTransaction): Promise<void>;
  message(messageId: string): Promise<MessageRecord | undefined>;
  insertMessage(message: MessageRecord, trx?: StoreTransaction): Promise<void>;
  /** Keeps what a message says, or forgets it. */
  setPayload(messageId: string, payload: string | null): Promise<void>;
  removeMessage(messageId: string, trx?: StoreTransaction): Promise<void>;
}
