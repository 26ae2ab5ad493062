import { sql, type Kysely } from 'kysely';
import { together } from '@dotmac/core';
import { keptQuery, type Database } from '@dotmac/core/kysely';
import type { Channel } from '../../verification/channel.js';
import type { StoredToken } from '../store.js';
import { tokenOf } from './token-row.js';
import type { LifecycleTables, TokenRow } from './tables.js';

interface Which {
  tenantId: string;
  customerId: string;
  channel: Channel;
}

/** Reads tokens as they are, and keeps nobody from them. */
export type TokenReads = (which: Which) => Promise<StoredToken | undefined>;

/** On PostgreSQL those who ask while a statement is under way go together in the next one. Index: the primary key. */
export function kyselyTokenReads(database: Database): TokenReads {
  if (database.dialect === 'postgres') return together((asked: readonly Which[]) => findAll(database, asked));
  return async (which) => {
    const [row] = await findOne(database, which);
    return row && tokenOf(row);
  };
}

const findOne = keptQuery((db: Kysely<LifecycleTables>, { tenantId, customerId, channel }: Which) =>
  db
    .selectFrom('dotmac_verification_tokens')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('customer_id', '=', customerId)
    .where('channel', '=', channel),
);

async function findAll(database: Database, asked: readonly Which[]): Promise<(StoredToken | undefined)[]> {
  const values = (part: keyof Which) => asked.map((which) => which[part]);
  const { rows } = await sql<TokenRow & { place: number }>`
    select cast(g.place as int) as place, t.*
    from unnest(cast(${values('tenantId')} as text[]), cast(${values('customerId')} as text[]),
      cast(${values('channel')} as text[])) with ordinality g(tenant_id, customer_id, channel, place)
    join dotmac_verification_tokens t
      on t.tenant_id = g.tenant_id and t.customer_id = g.customer_id and t.channel = g.channel`.execute(
    database.kysely,
  );
  const found: (StoredToken | undefined)[] = asked.map(() => undefined);
  for (const row of rows) found[row.place - 1] = tokenOf(row);
  return found;
}
