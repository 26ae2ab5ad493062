import { sql, type Kysely, type RawBuilder } from 'kysely';
import { keptQuery, numberOrNull, type Database } from '@dotmac/core/kysely';
import type { Checkpoint, RunStanding, TakenRun } from '../store.js';
import { checkpointRow } from './run-row.js';
import { serviceOf, type ServiceRow } from './service-tables.js';
import { customerOf, runOf, type CustomerRow, type LifecycleTables, type RunRow } from './tables.js';

// What PostgreSQL does for a worker in one round trip each. Whole rows travel as JSON: their columns have the same names.

type Db = Kysely<LifecycleTables>;
const table = 'dotmac_service_runs';
const json = <Row>(alias: string) => sql<Row>`row_to_json(${sql.ref(alias)})`;

interface Proceeding extends ReturnType<typeof checkpointRow> {
  tenantId: string;
  runId: string;
  fence: number;
  begunService: string | null;
}

const proceeding = keptQuery((db: Db, given: Proceeding) =>
  db
    .with('run', (query) =>
      query
        .updateTable(table)
        .set({
          status: given.status,
          direction: given.direction,
          steps: given.steps,
          next_at: given.next_at,
          provisioned_at: given.provisioned_at,
          updated_at: given.updated_at,
        })
        .where('tenant_id', '=', given.tenantId)
        .where('id', '=', given.runId)
        .where('fence', '=', given.fence)
        .returning(['tenant_id', 'customer_id', 'cancel_requested_at']),
    )
    .with('begun', (query) =>
      query
        .updateTable('dotmac_services')
        .set({ status: 'provisioning', updated_at: given.updated_at })
        .where('tenant_id', '=', given.tenantId)
        .where('id', '=', given.begunService as string)
        .where('status', '=', 'pending')
        .where(({ exists, selectFrom }) => exists(selectFrom('run').select('customer_id'))),
    )
    .selectFrom('run')
    .innerJoin('dotmac_customers as c', (join) =>
      join.onRef('c.tenant_id', '=', 'run.tenant_id').onRef('c.id', '=', 'run.customer_id'),
    )
    .select(['run.cancel_requested_at', json<CustomerRow>('c').as('customer')]),
);

/** A checkpoint of a run that goes on, and what has to be known after it. */
export async function proceedAtOnce(
  database: Database,
  tenantId: string,
  of: { runId: string; fence: number; state: Checkpoint & { begunService?: string | undefined } },
): Promise<RunStanding | undefined> {
  const { runId, fence, state } = of;
  const begunService = state.begunService ?? null;
  const [row] = await proceeding(database, { ...checkpointRow(state), tenantId, runId, fence, begunService });
  return row && { customer: customerOf(row.customer), cancelRequestedAt: numberOrNull(row.cancel_requested_at) };
}

interface Taking {
  tenantId: string;
  runId: string;
  owner: string;
  ttlMs: number;
  /** Epoch ms; unused when the database's clock counts. */
  now: number;
}

const takingBy = (clock: 'given' | 'database') =>
  keptQuery((db: Db, given: Taking, { traits }) => {
    const now: RawBuilder<number> = clock === 'given' ? sql`cast(${given.now} as bigint)` : traits.now;
    return db
      .with('run', (query) =>
        query
          .updateTable(table)
          .set((row) => ({
            lease_owner: given.owner,
            lease_until: sql<number>`${now} + cast(${given.ttlMs} as bigint)`,
            fence: row('fence', '+', 1),
          }))
          .where('tenant_id', '=', given.tenantId)
          .where('id', '=', given.runId)
          .where('next_at', 'is not', null)
          .where((row) =>
            row.or([
              row('lease_owner', 'is', null),
              row('lease_owner', '=', given.owner),
              row('lease_until', '<=', now),
            ]),
          )
          .returningAll(),
      )
      .selectFrom('run')
      .leftJoin('dotmac_customers as c', (join) =>
        join.onRef('c.tenant_id', '=', 'run.tenant_id').onRef('c.id', '=', 'run.customer_id'),
      )
      .leftJoin('dotmac_services as s', (join) =>
        join.onRef('s.tenant_id', '=', 'run.tenant_id').onRef('s.id', '=', 'run.service_id'),
      )
      .select([
        json<RunRow>('run').as('run'),
        json<CustomerRow | null>('c').as('customer'),
        json<ServiceRow | null>('s').as('service'),
      ]);
  });
const [takingNow, takingByDatabase] = [takingBy('given'), takingBy('database')];

/** Takes a run's lease, and reads what it is about. */
export async function takeAtOnce(
  database: Database,
  { now, ...taking }: Omit<Taking, 'now'> & { now: number | undefined },
): Promise<{ fence: number; taken?: TakenRun | undefined } | null> {
  const [row] = await (now === undefined
    ? takingByDatabase(database, { ...taking, now: 0 })
    : takingNow(database, { ...taking, now }));
  if (!row) return null;
  const { run, customer, service } = row;
  const fence = Number(run.fence);
  if (!customer || !service) return { fence };
  return { fence, taken: { run: runOf(run), customer: customerOf(customer), service: serviceOf(service) } };
}
