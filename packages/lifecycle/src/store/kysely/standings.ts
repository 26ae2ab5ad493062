import { sql, type Kysely } from 'kysely';
import { together } from '@dotmac/core';
import { keptQuery, type Database } from '@dotmac/core/kysely';
import type { Standing } from '../customers.js';
import { customerOf } from './customer-row.js';
import type { CustomerRow, LifecycleTables } from './tables.js';

interface Which {
  tenantId: string;
  customerId: string;
}

/** Reads customers with what has to be known to decide on them. */
export type Standings = (which: Which) => Promise<Standing | undefined>;

/** Index: the primary key of customers, and (tenant_id, customer_id, id) of services. */
export function kyselyStandings(database: Database): Standings {
  if (database.dialect === 'postgres') return together((asked: readonly Which[]) => findAll(database, asked));
  return async (which) => {
    const [row] = await findOne(database, which);
    return row && { customer: customerOf(row), liveServices: Number(row.live_services) };
  };
}

const findOne = keptQuery((db: Kysely<LifecycleTables>, { tenantId, customerId }: Which) =>
  db
    .selectFrom('dotmac_customers as c')
    .selectAll('c')
    .select(({ selectFrom, fn }) =>
      selectFrom('dotmac_services as s')
        .select(fn.countAll().as('count'))
        .whereRef('s.tenant_id', '=', 'c.tenant_id')
        .whereRef('s.customer_id', '=', 'c.id')
        .where('s.status', 'not in', ['terminated', 'failed'])
        .as('live_services'),
    )
    .where('c.tenant_id', '=', tenantId)
    .where('c.id', '=', customerId),
);

/** Those who ask while a statement is under way go together in the next one. */
async function findAll(database: Database, asked: readonly Which[]): Promise<(Standing | undefined)[]> {
  const tenantIds = asked.map(({ tenantId }) => tenantId);
  const customerIds = asked.map(({ customerId }) => customerId);
  const { rows } = await sql<CustomerRow & { place: number; live_services: number }>`
    select cast(g.place as int) as place, c.*, (
      select count(*) from dotmac_services s
      where s.tenant_id = c.tenant_id and s.customer_id = c.id and s.status not in ('terminated', 'failed')
    ) as live_services
    from unnest(cast(${tenantIds} as text[]), cast(${customerIds} as text[])) with ordinality g(tenant_id, id, place)
    join dotmac_customers c on c.tenant_id = g.tenant_id and c.id = g.id`.execute(database.kysely);
  const found: (Standing | undefined)[] = asked.map(() => undefined);
  for (const row of rows) found[row.place - 1] = { customer: customerOf(row), liveServices: Number(row.live_services) };
  return found;
}
