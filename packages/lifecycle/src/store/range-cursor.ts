import type { WebhookDelivery } from '../webhooks/delivery.js';

/** Where a page of deliveries by time ended. */
export function rangeCursor(last: WebhookDelivery | undefined): string | null {
  return last ? `${last.eventAt}.${last.id}` : null;
}

/** What a cursor says; what is none is the beginning. */
export function readRangeCursor(cursor: string | undefined): { at: number; id: string } | undefined {
  const [, at, id] = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(cursor ?? '') ?? [];
  return at === undefined || id === undefined ? undefined : { at: Number(at), id };
}
