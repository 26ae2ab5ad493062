import type { StoreTransaction } from '@dotmac/core';
import { executorFor, toJson, type Database } from '@dotmac/core/kysely';
import type { Kysely } from 'kysely';
import type { Erasure } from '../store.js';
import { operationOf } from './bulk.js';
import type { LifecycleTables } from './tables.js';

const pageSize = 500;
const named = ['search', 'externalId', 'attribute'];

/**
 * Writes what is left of operations that are over and looked for somebody, or list the customer. Index: the primary keys;
 * reads the tenant's.
 */
export async function wipeOperations(
  {
    database,
    tenantId,
    customerId,
    trx,
  }: Record<'tenantId' | 'customerId', string> & {
    database: Database;
    trx: StoreTransaction;
  },
  { operation, answer }: Erasure,
): Promise<void> {
  const on = executorFor<LifecycleTables>(database, trx);
  const table = 'dotmac_bulk_operations';
  for (let after = ''; ;) {
    const rows = await on
      .selectFrom(table)
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('id', '>', after)
      .where('ended_at', 'is not', null)
      .where((build) =>
        build.or([
          ...named.map((name) => build('filter', 'like', `%"${name}":%`)),
          build.exists(
            build
              .selectFrom('dotmac_bulk_targets as t')
              .select('t.customer_id')
              .where('t.tenant_id', '=', tenantId)
              .whereRef('t.operation_id', '=', `${table}.id`)
              .where('t.customer_id', '=', customerId),
          ),
        ]),
      )
      .orderBy('id')
      .limit(pageSize)
      .execute();
    for (const row of rows) {
      after = row.id;
      const left = operation(operationOf(row));
      if (!left) continue;
      await on
        .updateTable(table)
        .set({ filter: toJson(left.filter), input: toJson(left.input), created_by: left.createdBy })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', row.id)
        .execute();
      await wipeAnswers(on, tenantId, row.id, (text) => answer(text, left));
    }
    if (rows.length < pageSize) return;
  }
}

/** What operations answered names its operation. Index: (tenant_id, customer_id), for they are about nobody in particular. */
async function wipeAnswers(
  on: Kysely<LifecycleTables>,
  tenantId: string,
  operationId: string,
  left: (answer: string) => string,
): Promise<void> {
  const table = 'dotmac_command_answers';
  const rows = await on
    .selectFrom(table)
    .select(['key_hash', 'answer'])
    .where('tenant_id', '=', tenantId)
    .where('customer_id', 'is', null)
    .where('answer', 'like', `%"id":"${operationId}"%`)
    .execute();
  for (const { key_hash, answer } of rows)
    if (answer !== null)
      await on
        .updateTable(table)
        .set({ answer: left(answer) })
        .where('tenant_id', '=', tenantId)
        .where('key_hash', '=', key_hash)
        .execute();
}
