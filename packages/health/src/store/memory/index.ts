import { memoryOutbox, memoryTables } from '@dotmac/core';
import type { Sample } from '../../history/sample.js';
import { nearestRank, type Aggregate, type TrendWindow } from '../../history/trend.js';
import type { KeptEndpoint } from '../../monitoring/directory.js';
import { healthEvents } from '../../events.js';
import type { HealthStore, StoredEndpoint } from '../store.js';
import { outboxEntries } from '../outbox-entries.js';

/** A store in memory: for tests, and for applications that need no history across restarts. */
export function memoryHealthStore(): HealthStore {
  const tables = memoryTables({ endpoints: new Map<string, StoredEndpoint>(), samples: new Map<string, Sample>() });
  const { endpoints, samples } = tables.read;
  const outbox = memoryOutbox();
  const byId = () => [...endpoints.values()].sort((a, b) => (a.endpoint.id < b.endpoint.id ? -1 : 1));
  const paged = (items: StoredEndpoint[], limit: number, after: string | null) => {
    const rest = items.filter(({ endpoint }) => after === null || endpoint.id > after);
    const page = rest.slice(0, limit);
    return { items: page, nextCursor: rest.length > limit ? (page.at(-1)?.endpoint.id ?? null) : null };
  };
  const keep = (
    rows: Map<string, StoredEndpoint>,
    { endpoint, status, streak, responseTimeMs, message, checkedAt }: KeptEndpoint,
  ): void => {
    const known = rows.get(endpoint.id);
    if (known) rows.set(endpoint.id, { ...known, state: { status, streak, responseTimeMs, message, checkedAt } });
  };
  return {
    outbox,
    migrate: () => Promise.resolve(),
    transaction: (work, join) => tables.transaction((_, trx) => work(trx), join),
    everyEndpoint: ({ limit, after }) => Promise.resolve(paged(byId(), limit, after)),
    saveSamples: (batch, states) =>
      tables.transaction((rows) => {
        for (const sample of batch) if (rows.endpoints.has(sample.endpointId)) rows.samples.set(sample.id, sample);
        for (const state of states) keep(rows.endpoints, state);
      }),
    saveChanges: (changes) =>
      tables.transaction(async (rows, trx) => {
        for (const { kept } of changes) keep(rows.endpoints, kept);
        await outbox.append(outboxEntries(changes.map(({ event }) => healthEvents.encode(event))), trx);
      }),
    pruneSamples: (before, limit) =>
      tables.transaction((rows) => {
        const old = [...rows.samples.values()].filter(({ at }) => at < before).slice(0, limit);
        for (const { id } of old) rows.samples.delete(id);
        return old.length;
      }),
    tenant: (tenantId) => {
      const own = (endpointId: string): StoredEndpoint | undefined => {
        const found = endpoints.get(endpointId);
        return found?.endpoint.tenantId === tenantId ? found : undefined;
      };
      const mine = () => byId().filter(({ endpoint }) => endpoint.tenantId === tenantId);
      return {
        insert: (endpoint, trx) =>
          tables.transaction((rows) => void rows.endpoints.set(endpoint.id, { endpoint, state: null }), trx),
        get: (endpointId) => Promise.resolve(own(endpointId)),
        list: ({ limit, after }) => Promise.resolve(paged(mine(), limit, after)),
        remove: (endpointId, trx) =>
          tables.transaction((rows) => {
            if (!own(endpointId)) return false;
            for (const sample of [...rows.samples.values()])
              if (sample.endpointId === endpointId) rows.samples.delete(sample.id);
            return rows.endpoints.delete(endpointId);
          }, trx),
        aggregate: (endpointId, window) =>
          Promise.resolve(
            aggregate(
              [...samples.values()].filter((it) => it.tenantId === tenantId && it.endpointId === endpointId),
              window,
            ),
          ),
      };
    },
  };
}

function aggregate(samples: readonly Sample[], { from, until, bucketMs, percentiles, issues }: TrendWindow): Aggregate {
  const inside = samples.filter(({ at }) => at >= from && at < until).sort((a, b) => a.at - b.at);
  const buckets = new Map<
    string,
    { start: number; status: Sample['status']; count: number; timed: number; sumMs: number }
  >();
  for (const { at, status, responseTimeMs } of inside) {
    const start = at - (at % bucketMs);
    const bucket = buckets.get(`${start} ${status}`) ?? { start, status, count: 0, timed: 0, sumMs: 0 };
    bucket.count++;
    if (responseTimeMs !== null) {
      bucket.timed++;
      bucket.sumMs += responseTimeMs;
    }
    buckets.set(`${start} ${status}`, bucket);
  }
  const times = inside.flatMap(({ responseTimeMs }) => responseTimeMs ?? []).sort((a, b) => a - b);
  return {
    buckets: [...buckets.values()],
    percentilesMs: percentiles.map((it) => times[nearestRank(it, times.length)] ?? null),
    issues: inside
      .filter(({ status }) => status !== 'healthy')
      .reverse()
      .slice(0, issues)
      .map(({ at, status, message, responseTimeMs }) => ({ at, status, message, responseTimeMs })),
  };
}
