import type { Kysely } from 'kysely';
import { fromJson, type Migration } from '@dotmac/core/kysely';
import type { Block } from '../../customers/customer.js';
import { termText } from '../../search/terms.js';
import type { TermRow } from './search-tables.js';
import type { CustomerRow, LifecycleTables } from './tables.js';

const externalIds: Migration = async (schema, { types }) => {
  await schema.schema.alterTable('dotmac_customers').addColumn('external_id', types.key).execute();
};

/** Each order and filter of a list of customers has one that ends in the order. */
const customerOrders: Migration = async (schema, { traits }) => {
  const index = (name: string) => schema.schema.createIndex(name).on('dotmac_customers');
  await index('dotmac_customers_external').unique().columns(['tenant_id', 'external_id']).execute();
  await index('dotmac_customers_created').columns(['tenant_id', 'created_at', 'id']).execute();
  await index('dotmac_customers_updated').columns(['tenant_id', 'updated_at', 'id']).execute();
  await index('dotmac_customers_stage_created').columns(['tenant_id', 'stage', 'created_at', 'id']).execute();
  await index('dotmac_customers_type').columns(['tenant_id', 'user_type', 'created_at', 'id']).execute();
  // Where DDL takes part in no transactions, indexes are named within their table.
  const drop = schema.schema.dropIndex('dotmac_customers_stage');
  await (traits.transactionalDdl ? drop : drop.on('dotmac_customers')).execute();
};

const terms: Migration = async (schema, { types, traits }) => {
  await schema.schema
    .createTable('dotmac_customer_terms')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('kind', types.word, (c) => c.notNull())
    .addColumn('term', types.key, (c) => c.notNull())
    .addColumn('created_at', types.epochMs, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_customer_terms_pk', ['tenant_id', 'kind', 'term', 'created_at', 'customer_id'])
    .modifyEnd(traits.clustered)
    .execute();
};

const termsByCustomer: Migration = async (schema) => {
  await schema.schema
    .createIndex('dotmac_customer_terms_customer')
    .on('dotmac_customer_terms')
    .columns(['tenant_id', 'customer_id', 'kind', 'term'])
    .execute();
};

/** Has the customers that are there already be found. */
const termsOfCustomers: Migration = async (schema) => {
  const tables = schema as Kysely<LifecycleTables>;
  // Begun anew where it was cut short.
  await tables.deleteFrom('dotmac_customer_terms').execute();
  let last = { tenant_id: '', id: '' };
  for (;;) {
    const rows = await tables
      .selectFrom('dotmac_customers')
      .select(['tenant_id', 'id', 'username', 'email', 'first_name', 'last_name', 'blocks', 'created_at'])
      .where(({ eb, or, and }) =>
        or([eb('tenant_id', '>', last.tenant_id), and([eb('tenant_id', '=', last.tenant_id), eb('id', '>', last.id)])]),
      )
      .orderBy('tenant_id')
      .orderBy('id')
      .limit(500)
      .execute();
    const end = rows.at(-1);
    if (!end) return;
    const found = rows.flatMap(termRows);
    for (let at = 0; at < found.length; at += 1_000)
      await tables
        .insertInto('dotmac_customer_terms')
        .values(found.slice(at, at + 1_000))
        .execute();
    last = end;
  }
};

type Named = Pick<
  CustomerRow,
  'tenant_id' | 'id' | 'username' | 'email' | 'first_name' | 'last_name' | 'blocks' | 'created_at'
>;

function termRows({ tenant_id, id: customer_id, created_at, ...row }: Named): TermRow[] {
  const names = [row.username, row.email, `${row.first_name} ${row.last_name}`, row.last_name].map(termText);
  const reasons = fromJson<Block[]>(row.blocks).map(({ reason }) => reason);
  const rows = (kind: string, found: string[]): TermRow[] =>
    [...new Set(found)].filter(Boolean).map((term) => ({ tenant_id, kind, term, created_at, customer_id }));
  return [...rows('name', names), ...rows('reason', reasons)];
}

const eventPositions: Migration = async (schema, { types }) => {
  await schema.schema.alterTable('dotmac_customer_events').addColumn('position', types.bigInt).execute();
};

/** What has a position, and before it, in the order in which they are given, what has none. */
const eventsByPosition: Migration = async (schema) => {
  await schema.schema
    .createIndex('dotmac_customer_events_position')
    .on('dotmac_customer_events')
    .columns(['tenant_id', 'position', 'at', 'customer_id', 'seq'])
    .execute();
};

const feeds: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_customer_feeds')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('last_position', types.bigInt, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_customer_feeds_pk', ['tenant_id'])
    .execute();
};

const verificationQuotas: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_verification_quotas')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('address_key', types.word, (c) => c.notNull())
    .addColumn('issued', types.int, (c) => c.notNull())
    .addColumn('window_started_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_verification_quotas_pk', ['tenant_id', 'address_key'])
    .execute();
};

/** Finding customers, reading what happened, and counting what addresses are sent. */
export const searchMigrations: Record<string, Migration> = {
  '0026-external-ids': externalIds,
  '0027-customer-orders': customerOrders,
  '0028-customer-terms': terms,
  '0029-customer-terms-by-customer': termsByCustomer,
  '0030-terms-of-customers': termsOfCustomers,
  '0031-event-positions': eventPositions,
  '0032-events-by-position': eventsByPosition,
  '0033-customer-feeds': feeds,
  '0034-verification-quotas': verificationQuotas,
};
