import { coreErrors, memoryOutbox, memoryTables, type Clock } from '@dotmac/core';
import type { AlertRecord } from '../../alerts/alert.js';
import { healthEvents } from '../../events.js';
import { addSums, emptyBucket, emptySums, mergeBuckets, type Bucket, type Sums } from '../../history/bucket.js';
import type { Resolution } from '../../history/resolution.js';
import type { RingChunk } from '../../history/ring.js';
import { type IncidentEntry, type IncidentRecord } from '../../incidents/incident.js';
import type { KeptEndpoint } from '../../monitoring/directory.js';
import { mostDueLookedAt, type MessageRecord } from '../alerts.js';
import { isLate } from '../late-news.js';
import type { WatchTime } from '../sharing.js';
import { outboxEntries } from '../outbox-entries.js';
import { mostEntries, type EndpointListing, type HealthStore, type IncidentWrite } from '../store.js';
import type { StoredEndpoint } from '../stored-endpoint.js';
import { channelsOf, dueIn, memoryAlerts } from './alerts.js';
import { memoryEventLog } from './event-log.js';
import { memorySharing, settleShared, type KeptChange, type KeptHanded, type KeptReceipt } from './sharing.js';
import { isAsked, isWithin, passes, type KeptBucket } from './listed.js';
import { everyDocument, memoryDocuments, type KeptDocument } from './documents.js';

type KeptEntry = IncidentEntry & { incidentId: string; endpointId: string };

/** Options of {@link memoryHealthStore}. */
export interface MemoryHealthStoreOptions {
  /** Judges what is due in the outbox. Default: the system clock. */
  clock?: Pick<Clock, 'now'>;
}

/** A store in memory: for tests, and for applications that need no history across restarts. */
export function memoryHealthStore(options: MemoryHealthStoreOptions = {}): HealthStore {
  const tables = memoryTables({
    endpoints: new Map<string, StoredEndpoint>(),
    chunks: new Map<string, RingChunk>(),
    buckets: new Map<string, KeptBucket>(),
    incidents: new Map<string, IncidentRecord>(),
    entries: new Map<string, KeptEntry>(),
    documents: new Map<string, KeptDocument>(),
    alerts: new Map<string, AlertRecord>(),
    messages: new Map<string, MessageRecord>(),
    revisions: new Map<string, number>(),
    changes: new Map<string, KeptChange>(),
    handed: new Map<string, KeptHanded>(),
    receipts: new Map<string, KeptReceipt>(),
    watches: new Map<'monitor', WatchTime>(),
  });
  const { endpoints, chunks, buckets, incidents, entries } = tables.read;
  const outbox = memoryOutbox(options);
  const sharing = memorySharing(tables, options.clock);
  const log = memoryEventLog(options.clock);
  let revision = 0;
  const byId = () => [...endpoints.values()].sort((a, b) => (a.endpoint.id < b.endpoint.id ? -1 : 1));
  const paged = (items: StoredEndpoint[], { limit, after }: Pick<EndpointListing, 'limit' | 'after'>) => {
    const rest = items.filter(({ endpoint }) => after === null || endpoint.id > after);
    const page = rest.slice(0, limit);
    return { items: page, nextCursor: rest.length > limit ? (page.at(-1)?.endpoint.id ?? null) : null };
  };
  const keep = (rows: Map<string, StoredEndpoint>, { endpoint, ...state }: KeptEndpoint): void => {
    const known = rows.get(endpoint.id);
    if (known) rows.set(endpoint.id, { ...known, state: { ...state } });
  };
  return {
    outbox,
    ...sharing,
    ...log,
    migrate: () => Promise.resolve(),
    checkMigrated: () => Promise.resolve(),
    transaction: (work, join) => tables.transaction((_, trx) => work(trx), join),
    everyEndpoint: (ask) => Promise.resolve(paged(byId(), ask)),
    settle: ({ states, chunks: batch, deltas, incidents: writes, events, ...shared }, term) =>
      tables.transaction(async (rows, trx) => {
        if (term && (await sharing.leases.holder(term.key))?.fence !== term.fence)
          throw coreErrors.LEASE_LOST({ key: term.key });
        for (const state of states) {
          keep(rows.endpoints, state);
          rows.revisions.set(state.endpoint.id, ++revision);
        }
        for (const chunk of batch)
          if (rows.endpoints.has(chunk.endpointId))
            rows.chunks.set(`${chunk.endpointId} ${chunk.ring} ${chunk.slot}`, chunk);
        for (const { endpointId, resolution, inMaintenance = false, bucket } of deltas) {
          if (!rows.endpoints.has(endpointId)) continue;
          const key = `${endpointId} ${resolution} ${inMaintenance} ${bucket.start}`;
          const sum = emptyBucket(bucket.start);
          const known = rows.buckets.get(key);
          if (known) mergeBuckets(sum, known.bucket);
          mergeBuckets(sum, bucket);
          rows.buckets.set(key, { endpointId, resolution, inMaintenance, bucket: sum });
        }
        const late = new Set<IncidentWrite>();
        for (const write of writes) {
          const { incidentId, endpointId, opened, severity, resolvedAt, entry } = write;
          if (!rows.endpoints.has(endpointId)) continue;
          const known = rows.incidents.get(incidentId);
          if (opened) rows.incidents.set(incidentId, known ?? opened);
          // Somebody may have ended it by hand.
          else if (known?.resolvedAt === null) rows.incidents.set(incidentId, { ...known, severity, resolvedAt });
          else {
            late.add(write);
            continue;
          }
          rows.entries.set(entry.id, { ...entry, incidentId, endpointId });
        }
        const told = events
          .filter((event) => rows.endpoints.has(event.subject) && !isLate(event, late))
          .map((event) => healthEvents.encode(event));
        await outbox.append(outboxEntries(told), trx);
        await log.logEvents(told, trx);
        settleShared(rows, shared, await sharing.time());
      }),
    everyObjective: (ask) => Promise.resolve(everyDocument(tables.read.documents, 'objective', ask)),
    windowsOf: (tenantIds, ask) => Promise.resolve(everyDocument(tables.read.documents, 'window', ask, tenantIds)),
    dueAlerts: (now, limit) => Promise.resolve(dueIn(tables.read.alerts.values(), now, limit)),
    dueChannels: (now, limit) =>
      Promise.resolve(channelsOf(dueIn(tables.read.alerts.values(), now, mostDueLookedAt), limit)),
    pruneBuckets: (resolution: Resolution, before, limit) =>
      tables.transaction((rows) => {
        const old = [...rows.buckets].filter(([, it]) => it.resolution === resolution && it.bucket.start < before);
        for (const [key] of old.slice(0, limit)) rows.buckets.delete(key);
        return Math.min(old.length, limit);
      }),
    pruneIncidents: (before, limit) =>
      tables.transaction((rows) => {
        const old = [...rows.incidents.values()].filter((it) => it.resolvedAt !== null && it.resolvedAt < before);
        const ids = new Set(old.slice(0, limit).map(({ id }) => id));
        for (const id of ids) rows.incidents.delete(id);
        for (const [id, { incidentId }] of [...rows.entries]) if (ids.has(incidentId)) rows.entries.delete(id);
        return ids.size;
      }),
    heartbeatTokens: memoryDocuments(tables, 'heartbeat-token', ''),
    statusFeedTokens: memoryDocuments(tables, 'status-feed-token', ''),
    tenant: (tenantId) => {
      const own = (endpointId: string): StoredEndpoint | undefined => {
        const found = endpoints.get(endpointId);
        return found?.endpoint.tenantId === tenantId ? found : undefined;
      };
      return {
        ...memoryAlerts(tables, tenantId),
        channels: memoryDocuments(tables, 'channel', tenantId),
        deliveries: memoryDocuments(tables, 'delivery', tenantId),
        rules: memoryDocuments(tables, 'alert-rule', tenantId),
        windows: memoryDocuments(tables, 'window', tenantId),
        heartbeats: memoryDocuments(tables, 'heartbeat', tenantId),
        objectives: memoryDocuments(tables, 'objective', tenantId),
        statusFeeds: memoryDocuments(tables, 'status-feed', tenantId),
        insert: (endpoint, trx) =>
          tables.transaction((rows) => void rows.endpoints.set(endpoint.id, { endpoint, state: null }), trx),
        change: (endpointId, change, trx) =>
          tables.transaction((rows) => {
            const known = own(endpointId);
            if (!known) return undefined;
            const { endpoint: before } = known;
            const after = change(before);
            rows.endpoints.set(endpointId, { ...known, endpoint: after });
            return { before, after };
          }, trx),
        restate: (endpointId, change, trx) =>
          tables.transaction((rows) => {
            const known = own(endpointId);
            if (known?.state) rows.endpoints.set(endpointId, { ...known, state: change(known.state) });
          }, trx),
        get: (endpointId) => Promise.resolve(own(endpointId)),
        list: (ask) =>
          Promise.resolve(
            paged(
              byId().filter((it) => it.endpoint.tenantId === tenantId && passes(it, ask.filter)),
              ask,
            ),
          ),
        remove: (endpointId, trx) =>
          tables.transaction((rows) => {
            if (!own(endpointId)) return false;
            for (const table of [rows.chunks, rows.buckets, rows.incidents, rows.entries] as Map<
              string,
              { endpointId: string }
            >[])
              for (const [key, row] of [...table]) if (row.endpointId === endpointId) table.delete(key);
            rows.revisions.delete(endpointId);
            return rows.endpoints.delete(endpointId);
          }, trx),
        chunks: (endpointId, ring) =>
          Promise.resolve(
            [...chunks.values()]
              .filter((it) => it.tenantId === tenantId && it.endpointId === endpointId && it.ring === ring)
              .map(({ body }) => body),
          ),
        buckets: (endpointId, span) =>
          Promise.resolve(
            [...buckets.values()]
              .filter((it) => own(endpointId) && it.endpointId === endpointId && isWithin(it, span))
              .map(({ bucket }): Bucket => bucket)
              .sort((a, b) => a.start - b.start),
          ),
        sums(endpointIds, span) {
          const asked = new Set(endpointIds.filter(own));
          const sums = new Map<string, Sums>();
          for (const kept of buckets.values()) {
            const { endpointId, bucket } = kept;
            if (!asked.has(endpointId) || !isWithin(kept, span)) continue;
            const sum = sums.get(endpointId) ?? emptySums();
            addSums(sum, bucket);
            sums.set(endpointId, sum);
          }
          return Promise.resolve(sums);
        },
        total(endpointIds, span) {
          const asked = new Set(endpointIds.filter(own));
          const total = emptyBucket(span.from);
          for (const kept of buckets.values())
            if (asked.has(kept.endpointId) && isWithin(kept, span)) mergeBuckets(total, kept.bucket);
          return Promise.resolve(total);
        },
        incidents({ limit, after, filter }) {
          const found = [...incidents.values()]
            .filter((it) => it.tenantId === tenantId && (after === null || it.id < after) && isAsked(it, filter))
            .sort((a, b) => (a.id < b.id ? 1 : -1));
          const items = found.slice(0, limit);
          return Promise.resolve({ items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null });
        },
        unresolvedOf: (endpointId, trx) =>
          tables.transaction(
            (rows) =>
              [...rows.incidents.values()].filter(
                (it) => it.tenantId === tenantId && it.endpointId === endpointId && it.resolvedAt === null,
              ),
            trx,
          ),
        incident(incidentId) {
          const found = incidents.get(incidentId);
          return Promise.resolve(found?.tenantId === tenantId ? found : undefined);
        },
        timeline(incidentId) {
          const all = [...entries.values()]
            .filter((it) => it.incidentId === incidentId && incidents.get(incidentId)?.tenantId === tenantId)
            .sort((a, b) => (a.id < b.id ? -1 : 1))
            .map(({ incidentId: _, endpointId: __, ...entry }): IncidentEntry => entry);
          const leftOut = Math.max(0, all.length - mostEntries);
          return Promise.resolve({ entries: [...all.slice(0, 1), ...all.slice(1 + leftOut)], leftOut });
        },
        noteIncident: (incidentId, entry, change, trx) =>
          tables.transaction((rows) => {
            const known = rows.incidents.get(incidentId);
            const isChange = Object.keys(change).length > 0;
            if (known?.tenantId !== tenantId || (isChange && known.resolvedAt !== null)) return false;
            rows.incidents.set(incidentId, { ...known, ...change });
            rows.entries.set(entry.id, { ...entry, incidentId, endpointId: known.endpointId });
            return true;
          }, trx),
      };
    },
  };
}
