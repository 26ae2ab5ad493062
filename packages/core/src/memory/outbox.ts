import { systemClock, type Clock } from '../clock.js';
import type { ClaimedEntry, Outbox, OutboxEntry, ParkedEntry, ParkedName } from '../events/outbox.js';
import { newId } from '../ids.js';
import type { StoreTransaction } from '../store-transaction.js';
import type { MemoryTransaction } from './tables.js';

interface Row extends OutboxEntry {
  seq: number;
  deliveryId: string;
  lane: string;
  attempts: number;
  availableAt: number;
  claim: string | null;
  parkedAt: number | null;
  parkReason: string | null;
}

type ParkedRow = Row & { parkedAt: number };

const isParked = (row: Row): row is ParkedRow => row.parkedAt !== null;

function toParked({ subscriber, event, deliveryId, attempts, parkedAt, parkReason }: ParkedRow): ParkedEntry {
  return { subscriber, event, deliveryId, attempts, parkedAt, reason: parkReason ?? '' };
}

function after(trx: StoreTransaction | undefined, change: () => void): void {
  if (trx) (trx as MemoryTransaction).afterCommit(change);
  else change();
}

/** An outbox within this process; what is in it is lost with the process. Joins transactions of `memoryTables`. */
export function memoryOutbox({ clock = systemClock }: { clock?: Pick<Clock, 'now'> } = {}): Outbox {
  // Insertion order is delivery order.
  const rows = new Map<string, Row>();
  let seq = 0;
  const listeners = new Set<() => void>();
  const add = (entries: readonly OutboxEntry[]): void => {
    for (const { subscriber, event, lane: shared = subscriber, deliveryId = newId() } of entries) {
      const lane = JSON.stringify([shared, event.tenantId, event.subject]);
      const fresh = { attempts: 0, availableAt: clock.now(), claim: null, parkedAt: null, parkReason: null };
      rows.set(deliveryId, { seq: ++seq, subscriber, event, deliveryId, lane, ...fresh });
    }
    if (entries.length > 0) for (const listener of listeners) listener();
  };
  const claimed = (claim: string): Row | undefined => {
    const row = rows.get(claim.slice(claim.indexOf('.') + 1));
    return row?.claim === claim ? row : undefined;
  };
  const parkedRows = (): ParkedRow[] =>
    [...rows.values()].filter(isParked).sort((a, b) => a.parkedAt - b.parkedAt || a.seq - b.seq);
  const named = (tenantId: string, { deliveryId, subscriber }: ParkedName): ParkedRow | undefined => {
    const row = rows.get(deliveryId);
    const isMeant = row?.event.tenantId === tenantId && (subscriber === undefined || row.subscriber === subscriber);
    return row && isMeant && isParked(row) ? row : undefined;
  };

  return {
    append(entries, trx) {
      after(trx, () => add(entries));
      return Promise.resolve();
    },
    claim({ subscribers, limit, leaseMs, besides = [] }) {
      const now = clock.now();
      const taken: ClaimedEntry[] = [];
      const lanes = new Set<string>();
      for (const row of rows.values()) {
        if (taken.length >= limit) break;
        if (row.parkedAt !== null || lanes.has(row.lane) || !subscribers.includes(row.subscriber)) continue;
        if (besides.includes(row.event.tenantId)) continue;
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
    retryLater(claim, delayMs, stepsAside = false) {
      const row = claimed(claim);
      if (row) Object.assign(row, { claim: null, availableAt: clock.now() + delayMs });
      if (row && stepsAside) row.lane = row.deliveryId;
      return Promise.resolve();
    },
    time: () => Promise.resolve(clock.now()),
    bringForward({ subscribers, waitsMs, leaseMs }) {
      const now = clock.now();
      let brought = 0;
      for (const row of rows.values()) {
        if (row.parkedAt !== null || !subscribers.includes(row.subscriber)) continue;
        const longestMs = row.claim === null ? (waitsMs[row.attempts] ?? waitsMs.at(-1) ?? 0) : leaseMs;
        if (row.availableAt <= now + longestMs) continue;
        row.availableAt = row.claim === null ? now : now + leaseMs;
        brought++;
      }
      return Promise.resolve(brought);
    },
    setAside({ subscribers, limit }) {
      const now = clock.now();
      const isAsked = (row: Row): boolean => row.parkedAt === null && subscribers.includes(row.subscriber);
      const due = [...rows.values()].filter((row) => isAsked(row) && row.availableAt <= now);
      let count = 0;
      for (const row of due.sort((a, b) => a.availableAt - b.availableAt || a.seq - b.seq).slice(0, limit))
        for (const earlier of rows.values()) {
          if (earlier.seq >= row.seq) break;
          if (earlier.lane !== row.lane || !isAsked(earlier)) continue;
          if (earlier.claim !== null || earlier.availableAt <= now) continue;
          row.availableAt = earlier.availableAt;
          count++;
          break;
        }
      return Promise.resolve(count);
    },
    park(claim, reason) {
      const row = claimed(claim);
      if (row) Object.assign(row, { claim: null, parkedAt: clock.now(), parkReason: reason });
      return Promise.resolve();
    },
    parked(tenantId, { limit, after, subscriber }) {
      const [at = 0, seq = 0] = (after ?? '').split('.').map((part) => Number(part) || 0);
      const found = parkedRows().filter(
        (row) =>
          row.event.tenantId === tenantId &&
          (subscriber === undefined || row.subscriber === subscriber) &&
          (row.parkedAt > at || (row.parkedAt === at && row.seq > seq)),
      );
      const last = found.length > limit ? found[limit - 1] : undefined;
      const nextCursor = last ? `${last.parkedAt}.${last.seq}` : null;
      return Promise.resolve({ items: found.slice(0, limit).map(toParked), nextCursor });
    },
    unpark(tenantId, of) {
      const row = named(tenantId, of);
      if (!row) return Promise.resolve(false);
      Object.assign(row, { parkedAt: null, parkReason: null, attempts: 0, availableAt: clock.now() });
      for (const listener of listeners) listener();
      return Promise.resolve(true);
    },
    discard(tenantId, of, trx) {
      const row = named(tenantId, of);
      if (row) after(trx, () => rows.delete(row.deliveryId));
      return Promise.resolve(row && toParked(row));
    },
    pruneParked({ before, limit }, trx) {
      const old = parkedRows().filter(({ parkedAt }) => parkedAt < before);
      const pruned = old.slice(0, limit);
      after(trx, () => pruned.forEach(({ deliveryId }) => rows.delete(deliveryId)));
      return Promise.resolve(pruned.map(toParked));
    },
    rewrite(tenantId, subjects, change, trx) {
      (trx as MemoryTransaction).afterCommit(() => {
        for (const [deliveryId, row] of rows) {
          if (row.event.tenantId !== tenantId || !subjects.includes(row.event.subject)) continue;
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
