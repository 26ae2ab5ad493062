import { systemClock, type Clock } from '../clock.js';
import type { ClaimedEntry, Outbox, OutboxEntry } from '../events/outbox.js';
import { newId } from '../ids.js';
import type { MemoryTransaction } from './tables.js';

interface Row extends OutboxEntry {
  deliveryId: string;
  lane: string;
  attempts: number;
  availableAt: number;
  claim: string | null;
  parkedAt: number | null;
  parkReason: string | null;
}

/** An outbox within this process; what is in it is lost with the process. Joins transactions of `memoryTables`. */
export function memoryOutbox({ clock = systemClock }: { clock?: Pick<Clock, 'now'> } = {}): Outbox {
  // Insertion order is delivery order.
  const rows = new Map<string, Row>();
  const listeners = new Set<() => void>();
  const add = (entries: readonly OutboxEntry[]): void => {
    for (const { subscriber, event } of entries) {
      const deliveryId = newId();
      const lane = JSON.stringify([subscriber, event.tenantId, event.subject]);
      const fresh = { attempts: 0, availableAt: clock.now(), claim: null, parkedAt: null, parkReason: null };
      rows.set(deliveryId, { subscriber, event, deliveryId, lane, ...fresh });
    }
    if (entries.length > 0) for (const listener of listeners) listener();
  };
  const claimed = (claim: string): Row | undefined => {
    const row = rows.get(claim.slice(claim.indexOf('.') + 1));
    return row?.claim === claim ? row : undefined;
  };

  return {
    append(entries, trx) {
      if (trx) (trx as MemoryTransaction).afterCommit(() => add(entries));
      else add(entries);
      return Promise.resolve();
    },
    claim({ subscribers, limit, leaseMs }) {
      const now = clock.now();
      const taken: ClaimedEntry[] = [];
      const lanes = new Set<string>();
      for (const row of rows.values()) {
        if (taken.length >= limit) break;
        if (row.parkedAt !== null || lanes.has(row.lane) || !subscribers.includes(row.subscriber)) continue;
        lanes.add(row.lane); // Due or not, the first of a lane holds up the rest.
        if (row.availableAt > now) continue;
        row.claim = `${newId()}.${row.deliveryId}`;
        row.attempts += 1;
        row.availableAt = now + leaseMs;
        const { subscriber, event, deliveryId, attempts: attempt, claim } = row;
        taken.push({ subscriber, event, deliveryId, attempt, claim });
      }
      return Promise.resolve(taken);
    },
    acknowledge(claims) {
      let removed = 0;
      for (const claim of claims) {
        const row = claimed(claim);
        if (row && rows.delete(row.deliveryId)) removed++;
      }
      return Promise.resolve(removed);
    },
    retryLater(claim, delayMs) {
      const row = claimed(claim);
      if (row) Object.assign(row, { claim: null, availableAt: clock.now() + delayMs });
      return Promise.resolve();
    },
    park(claim, reason) {
      const row = claimed(claim);
      if (row) Object.assign(row, { claim: null, parkedAt: clock.now(), parkReason: reason });
      return Promise.resolve();
    },
    parked(tenantId, limit) {
      const found = [...rows.values()].filter(
        ({ parkedAt, event }) => parkedAt !== null && event.tenantId === tenantId,
      );
      return Promise.resolve(
        found.slice(0, limit).map(({ subscriber, event, deliveryId, attempts, parkedAt, parkReason }) => {
          return { subscriber, event, deliveryId, attempts, parkedAt: parkedAt ?? 0, reason: parkReason ?? '' };
        }),
      );
    },
    unpark(tenantId, deliveryId) {
      const row = rows.get(deliveryId);
      if (!row || row.parkedAt === null || row.event.tenantId !== tenantId) return Promise.resolve(false);
      Object.assign(row, { parkedAt: null, parkReason: null, attempts: 0, availableAt: clock.now() });
      for (const listener of listeners) listener();
      return Promise.resolve(true);
    },
    rewrite(tenantId, subject, change, trx) {
      (trx as MemoryTransaction).afterCommit(() => {
        for (const [deliveryId, row] of rows) {
          if (row.event.tenantId !== tenantId || row.event.subject !== subject) continue;
          const event = change(row.event);
          if (event) row.event = event;
          else rows.delete(deliveryId);
        }
      });
      return Promise.resolve();
    },
    onAppended(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
