import { sql } from 'kysely';
import type { Database, KyselyOutbox } from '@dotmac/core/kysely';
import type { BulkOperation } from '../../bulk/operation.js';
import { conditionsOf } from '../../search/filter.js';
import type { BulkCustomerStore } from '../store.js';
import { prepareChanges } from './bulk-changes.js';
import { fits } from './customer-conditions.js';
import { customerOf, type KeptCustomerRow } from './customer-row.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_customers';

/**
 * Where more than this are meant, they are read along the primary key, by a condition that the database cannot begin with:
 * knowing nothing of the table, it might read and sort by an index of the filter's all that are left, for every batch.
 */
const mostSorted = 20_000;

/** Index: (tenant_id, customer_id, id). */
const isServed = sql<unknown>`exists (select 1 from dotmac_services s where s.tenant_id = c.tenant_id
  and s.customer_id = c.id and s.status not in ('terminated', 'failed'))`.as('is_served');

/** What is read of a customer: nothing that only finds it. */
const columns = [
  'c.tenant_id',
  'c.id',
  'c.version',
  'c.stage',
  'c.churning_from',
  'c.approval',
  'c.external_id',
  'c.username',
  'c.email',
  'c.first_name',
  'c.last_name',
  'c.user_type',
  'c.phone',
  'c.registration_source',
  'c.referral_code',
  'c.terms_accepted_at',
  'c.marketing_consent',
  'c.attributes',
  'c.onboarding_data',
  'c.blocks',
  'c.email_verified_at',
  'c.phone_verified_at',
  'c.erased_at',
  'c.created_at',
  'c.updated_at',
] as const satisfies readonly `c.${keyof KeptCustomerRow}`[];

/** Many customers at once: reading whom an operation means, and writing what it came to, a few statements a batch. */
export function kyselyBulkCustomers(database: Database, outbox: KyselyOutbox, tenantId: string): BulkCustomerStore {
  const kysely = database.withTables<LifecycleTables>();
  /** Of those that a filter means, from the last one that is done with. */
  const meant = ({ filter, cursor, upTo, total }: BulkOperation) => {
    const { stages, userTypes, listed: _, ...like } = filter;
    return kysely
      .selectFrom(`${table} as c`)
      .where('c.tenant_id', '=', tenantId)
      .where('c.id', '>', cursor)
      .where('c.id', '<=', upTo)
      .where((build) => {
        const filtered = build.and([
          ...(stages === undefined ? [] : [build('c.stage', 'in', [...stages])]),
          ...(userTypes === undefined ? [] : [build('c.user_type', 'in', [...userTypes])]),
          fits(build as never, conditionsOf(like)),
        ]);
        return (total ?? 0) > mostSorted ? sql<boolean>`(${filtered}) is true` : filtered;
      });
  };
  const listed = ({ id, cursor }: BulkOperation) =>
    kysely
      .selectFrom('dotmac_bulk_targets as t')
      .where('t.tenant_id', '=', tenantId)
      .where('t.operation_id', '=', id)
      .where('t.customer_id', '>', cursor);
  return {
    // Index: the primary key, its last entry.
    async lastId() {
      const { last } = await kysely
        .selectFrom(table)
        .select(({ fn }) => fn.max('id').as('last'))
        .where('tenant_id', '=', tenantId)
        .executeTakeFirstOrThrow();
      // Of no rows there is none.
      return (last as string | null) ?? '';
    },
    async count(operation) {
      const found = await (
        operation.filter.listed
          ? listed(operation).select(({ fn }) => fn.countAll<number>().as('count'))
          : meant(operation).select(({ fn }) => fn.countAll<number>().as('count'))
      ).executeTakeFirstOrThrow();
      return Number(found.count);
    },
    // Index: the primary key, in its order.
    async next(operation, limit) {
      const rows = operation.filter.listed
        ? await listed(operation)
            .leftJoin(`${table} as c`, (join) =>
              join.onRef('c.tenant_id', '=', 't.tenant_id').onRef('c.id', '=', 't.customer_id'),
            )
            .select([...columns, 't.customer_id', isServed])
            .orderBy('t.customer_id')
            .limit(limit)
            .execute()
        : await meant(operation)
            .select([...columns, isServed])
            .orderBy('c.id')
            .limit(limit)
            .execute();
      return rows.map((row) => ({
        id: 'customer_id' in row ? row.customer_id : (row.id as string),
        customer: row.id === null ? undefined : customerOf(row as KeptCustomerRow),
        isServed: Boolean(row.is_served),
      }));
    },
    prepare: (changes, entries) => prepareChanges(database, outbox, tenantId, changes, entries),
  };
}
