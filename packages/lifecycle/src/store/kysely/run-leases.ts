import { sql, type RawBuilder } from 'kysely';
import type { Clock, DueKey } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import type { Database } from '@dotmac/core/kysely';
import { dueKeys, readDuePlace, type DuePage, type DuePlace } from '../due-place.js';
import { parseRunKey, runKey } from '../store.js';
import type { RunLeases } from '../runs.js';
import { behind } from './behind.js';
import type { RunStatements } from './run-statements.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_service_runs';

/**
 * Leases in the runs' own rows. Expiry is judged by the database's clock, which all workers share, unless a clock is
 * given.
 */
export function kyselyRunLeases(
  database: Database,
  clock: Pick<Clock, 'now'> | undefined,
  statements?: RunStatements,
): RunLeases {
  const kysely = database.withTables<LifecycleTables>();
  const now = (): RawBuilder<number> => (clock ? sql<number>`${sql.lit(clock.now())}` : database.traits.now);
  const after = (ttlMs: number) => sql<number>`${now()} + ${sql.lit(Math.trunc(ttlMs))}`;
  const update = (key: string) => {
    const { tenantId, runId } = parseRunKey(key);
    return kysely.updateTable(table).where('tenant_id', '=', tenantId).where('id', '=', runId);
  };
  const held = (key: string, owner: string, fence: number) =>
    update(key).where('lease_owner', '=', owner).where('fence', '=', fence);

  return {
    async acquire(key, owner, ttlMs, templateHashes) {
      if (templateHashes?.length === 0) return null;
      const lease = await statements?.acquire(key, owner, ttlMs, templateHashes);
      if (lease) return lease;
      const taking = update(key)
        .set((row) => ({ lease_owner: owner, lease_until: after(ttlMs), fence: row('fence', '+', 1) }))
        .where('next_at', 'is not', null)
        .$if(templateHashes !== undefined, (query) => query.where('template_hash', 'in', templateHashes ?? []))
        .where((row) =>
          row.or([row('lease_owner', 'is', null), row('lease_owner', '=', owner), row('lease_until', '<=', now())]),
        );
      if (database.traits.returning) {
        const taken = await taking.returning('fence').executeTakeFirst();
        return taken ? { fence: Number(taken.fence) } : null;
      }
      const { numUpdatedRows } = await taking.executeTakeFirst();
      if (numUpdatedRows !== 1n) return null;
      const { tenantId, runId } = parseRunKey(key);
      // Nobody else changes the fence while this owner holds the lease.
      const row = await kysely
        .selectFrom(table)
        .select('fence')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', runId)
        .where('lease_owner', '=', owner)
        .executeTakeFirst();
      return row ? { fence: Number(row.fence) } : null;
    },
    async renew(key, owner, fence, ttlMs) {
      const { numUpdatedRows } = await held(key, owner, fence)
        .set({ lease_until: after(ttlMs) })
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async release(key, owner, fence) {
      const { numUpdatedRows } = await held(key, owner, fence)
        .set({ lease_owner: null, lease_until: null })
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
  };
}

/** Runs of all tenants to be worked on; of leased ones, when the lease ends. Index: (next_at). */
export async function kyselyDueRuns(
  database: Database,
  untilMs: number,
  { limit, after }: DuePage,
): Promise<Page<DueKey>> {
  const place = readDuePlace(after);
  const rows = await database
    .withTables<LifecycleTables>()
    .selectFrom(table)
    .select(['tenant_id', 'id', 'next_at', 'lease_owner', 'lease_until'])
    .where('next_at', '<=', untilMs)
    .$if(place !== undefined, (query) => query.where(behind('next_at', place as DuePlace)))
    .orderBy('next_at')
    .orderBy('tenant_id')
    .orderBy('id')
    .limit(limit + 1)
    .execute();
  const found = rows.map(({ tenant_id: tenantId, id, next_at: at, lease_owner: owner, lease_until: until }) => {
    return { tenantId, id, at: Number(at), free: owner === null ? 0 : Number(until) };
  });
  return dueKeys(found, limit, ({ tenantId, id, at, free }) => ({ key: runKey(tenantId, id), at: Math.max(at, free) }));
}
