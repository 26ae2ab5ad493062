import { sql } from 'kysely';
import { together, type Clock } from '@dotmac/core';
import { numberOrNull, type Database } from '@dotmac/core/kysely';
import { parseRunKey } from '../store.js';
import type { Checkpoint, RunLeases, RunStanding } from '../runs.js';
import { checkpointRow, runOf } from './run-row.js';
import { serviceOf, type ServiceRow } from './service-tables.js';
import { customerOf } from './customer-row.js';
import type { CustomerRow, RunRow } from './tables.js';

/** A checkpoint of a run that goes on. */
export interface Proceeding {
  tenantId: string;
  runId: string;
  fence: number;
  state: Checkpoint & { begunService?: string | undefined };
}

/**
 * What PostgreSQL does for workers in one statement each; those that ask meanwhile go together in the next one. Rows that
 * somebody else has locked are passed over, for whom the others would have to wait: whoever is told that nothing was
 * written does it by himself.
 */
export interface RunStatements {
  acquire: RunLeases['acquire'];
  proceed(of: Proceeding): Promise<RunStanding | undefined>;
}

interface Proceeded {
  tenant_id: string;
  id: string;
  fence: number;
  cancel_requested_at: unknown;
  customer: CustomerRow;
}

interface Taking {
  key: string;
  owner: string;
  ttlMs: number;
  templateHashes: readonly string[] | undefined;
}

interface Taken {
  run: RunRow;
  customer: CustomerRow | null;
  service: ServiceRow | null;
}

/** Whole rows travel as JSON: their columns have the same names. Index: the primary keys. */
export function runStatements(database: Database, clock: Pick<Clock, 'now'> | undefined): RunStatements {
  const take = together(async (asked: readonly Taking[]) => {
    // Whoever asks knows the same templates, save where two modules share a store.
    const known = [...new Set(asked.map(({ templateHashes }) => templateHashes))];
    const given = asked.map(({ key, owner, ttlMs, templateHashes }) => {
      return { ...parseRunKey(key), owner, ttlMs: Math.trunc(ttlMs), list: known.indexOf(templateHashes) };
    });
    const lists = known.map((hashes, list) => ({ list, hashes: hashes ?? null }));
    const now = clock ? sql`cast(${clock.now()} as bigint)` : database.traits.now;
    const { rows } = await sql<Taken>`
      with free as (
        select r.tenant_id, r.id, g.owner, g."ttlMs"
        from json_to_recordset(cast(${JSON.stringify(given)} as json))
          as g("tenantId" text, "runId" text, owner text, "ttlMs" bigint, list int)
        join json_to_recordset(cast(${JSON.stringify(lists)} as json)) as l(list int, hashes text[]) using (list)
        join dotmac_service_runs r on r.tenant_id = g."tenantId" and r.id = g."runId"
        where (l.hashes is null or r.template_hash = any(l.hashes)) and r.next_at is not null and (r.lease_owner is null or r.lease_owner = g.owner or r.lease_until <= ${now})
        for update of r skip locked
      ), run as (
        update dotmac_service_runs r
        set lease_owner = f.owner, lease_until = ${now} + f."ttlMs", fence = r.fence + 1
        from free f where r.tenant_id = f.tenant_id and r.id = f.id
        returning r.*
      )
      select row_to_json(run) as run, row_to_json(c) as customer, row_to_json(s) as service from run
      left join dotmac_customers c on c.tenant_id = run.tenant_id and c.id = run.customer_id
      left join dotmac_services s on s.tenant_id = run.tenant_id and s.id = run.service_id`.execute(database.kysely);
    const nameOf = (tenantId: string, runId: string, owner: string): string => [tenantId, runId, owner].join('/');
    const byName = new Map(rows.map((row) => [nameOf(row.run.tenant_id, row.run.id, row.run.lease_owner ?? ''), row]));
    return given.map(({ tenantId, runId, owner }) => byName.get(nameOf(tenantId, runId, owner)));
  });

  const proceed = together(async (asked: readonly Proceeding[]) => {
    const given = asked.map(({ tenantId, runId, fence, state }) => {
      return { tenantId, runId, known: fence, begun: state.begunService ?? null, ...checkpointRow(state) };
    });
    const { rows } = await sql<Proceeded>`
      with given as (
        select * from json_to_recordset(cast(${JSON.stringify(given)} as json)) as g(
          "tenantId" text, "runId" text, known bigint, begun text, status text, direction text, steps text,
          next_at bigint, provisioned_at bigint, updated_at bigint)
      ), starting as (
        select s.tenant_id, s.id from given g
        join dotmac_services s on s.tenant_id = g."tenantId" and s.id = g.begun and s.status = 'pending'
        for update of s skip locked
      ), held as (
        select r.tenant_id, r.id from given g
        join dotmac_service_runs r on r.tenant_id = g."tenantId" and r.id = g."runId" and r.fence = g.known
        where (g."tenantId", g.begun) in (select tenant_id, id from starting) or not exists (
          select from dotmac_services s where s.tenant_id = g."tenantId" and s.id = g.begun and s.status = 'pending')
        for update of r skip locked
      ), run as (
        update dotmac_service_runs r
        set status = g.status, direction = g.direction, steps = g.steps, next_at = g.next_at,
          provisioned_at = g.provisioned_at, updated_at = g.updated_at
        from held h join given g on g."tenantId" = h.tenant_id and g."runId" = h.id
        where r.tenant_id = h.tenant_id and r.id = h.id and r.fence = g.known
        returning r.tenant_id, r.id, r.fence, r.customer_id, r.cancel_requested_at, g.begun, r.updated_at
      ), begun as (
        update dotmac_services s set status = 'provisioning', updated_at = run.updated_at
        from run where s.tenant_id = run.tenant_id and s.id = run.begun and s.status = 'pending'
      )
      select run.tenant_id, run.id, run.fence, run.cancel_requested_at, row_to_json(c) as customer from run
      join dotmac_customers c on c.tenant_id = run.tenant_id and c.id = run.customer_id`.execute(database.kysely);
    const nameOf = (tenantId: string, runId: string, fence: number): string => [tenantId, runId, fence].join('/');
    const byName = new Map(rows.map((row) => [nameOf(row.tenant_id, row.id, row.fence), row]));
    return given.map(({ tenantId, runId, known }) => byName.get(nameOf(tenantId, runId, known)));
  });

  return {
    async acquire(key, owner, ttlMs, templateHashes) {
      const row = await take({ key, owner, ttlMs, templateHashes });
      if (!row) return null;
      const { run, customer, service } = row;
      const fence = Number(run.fence);
      if (!customer || !service) return { fence };
      return { fence, taken: { run: runOf(run), customer: customerOf(customer), service: serviceOf(service) } };
    },
    async proceed(of) {
      const row = await proceed(of);
      return row && { customer: customerOf(row.customer), cancelRequestedAt: numberOrNull(row.cancel_requested_at) };
    },
  };
}
