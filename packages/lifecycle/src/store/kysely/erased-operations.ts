import { executorFor, toJson } from '@dotmac/core/kysely';
import type { Kysely } from 'kysely';
import type { OperationWords } from '../../bulk/operation.js';
import type { Erasure } from '../store.js';
import { operationOf } from './bulk.js';
import { forgetRequests, type ErasedCustomer } from './forget-requests.js';
import { erasedRow } from './bulk-erased.js';
import type { BulkRow } from './bulk-row.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_bulk_operations';
const pageSize = 500;
const named = ['search', 'externalId', 'attribute'];

/**
 * Writes what is left of operations that looked for somebody, or list the customer. Index: the primary keys; reads the
 * tenant's.
 */
export async function wipeOperations(of: ErasedCustomer, erasure: Erasure): Promise<void> {
  const wiped = new Set<string>();
  // Until there are no more: who ran one again had its row, and what that began is found once it has it no longer.
  for (let before = -1; wiped.size > before;) {
    before = wiped.size;
    await wipeOthers(of, erasure, wiped);
  }
  await forgetRequests(of, [...wiped]);
}

/** Wipes those that are not among the `wiped`, and adds them. */
async function wipeOthers(of: ErasedCustomer, { operation, answer }: Erasure, wiped: Set<string>): Promise<void> {
  const { database, tenantId, customerId, trx } = of;
  const on = executorFor<LifecycleTables>(database, trx);
  const leftOf = async (row: BulkRow): Promise<OperationWords | undefined> => {
    const { total, filter, ...read } = operationOf(row);
    return operation({ ...read, filter, total: total ?? (filter.listed ? await countTargets(on, row) : null) });
  };
  for (let after = ''; ;) {
    const rows = await on
      .selectFrom(table)
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('id', '>', after)
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
    for (const found of rows) {
      after = found.id;
      if (wiped.has(found.id) || !(await leftOf(found))) continue;
      // Whoever goes on with it, runs it again, or erases another, waits: what is left follows from how it is now, over or not.
      const row = await lockRow(of, found);
      const left = row && (await leftOf(row));
      if (!left) continue;
      const isOver = row.ended_at !== null;
      const words = { filter: toJson(left.filter), input: toJson(left.input), created_by: left.createdBy };
      await on
        .updateTable(table)
        .set(isOver ? words : erasedRow(left))
        .where('tenant_id', '=', tenantId)
        .where('id', '=', row.id)
        .execute();
      await wipeAnswers(on, tenantId, row.id, (text) => answer(text, left));
      wiped.add(row.id);
    }
    if (rows.length < pageSize) return;
  }
}

/** Index: the primary key. */
function lockRow({ database, tenantId, trx }: ErasedCustomer, { id }: BulkRow): Promise<BulkRow | undefined> {
  return executorFor<LifecycleTables>(database, trx)
    .selectFrom(table)
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .$if(database.traits.skipLocked, (query) => query.forUpdate())
    .executeTakeFirst();
}

/** Index: the primary key. */
async function countTargets(on: Kysely<LifecycleTables>, { tenant_id, id }: BulkRow): Promise<number> {
  const { count } = await on
    .selectFrom('dotmac_bulk_targets')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('tenant_id', '=', tenant_id)
    .where('operation_id', '=', id)
    .executeTakeFirstOrThrow();
  return Number(count);
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
