import type { DueKey, StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import {
  executorFor,
  fromFlag,
  fromJson,
  numberOrNull,
  onConflictDoNothing,
  toFlag,
  toJson,
  type Database,
  type KyselyOutbox,
} from '@dotmac/core/kysely';
import { isOfFew, staleMs, type BulkOperation, type BulkStatus } from '../../bulk/operation.js';
import { dueKeys, readDuePlace, type DuePage, type DuePlace } from '../due-place.js';
import { pageOf } from '../page-of.js';
import { bulkKey, type BulkStore } from '../store.js';
import { behind } from './behind.js';
import { erasedOf, erasedRow, wordsAtEnd } from './bulk-erased.js';
import { kyselyBulkCustomers } from './bulk-customers.js';
import type { BulkRow } from './bulk-row.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_bulk_operations';
const open = ['pending', 'running'];
/** 5 columns a row: far below every database's limit of parameters. */
const rowsPerInsert = 500;

/** Commands for many, in the database. */
export function kyselyBulk(database: Database, outbox: KyselyOutbox, tenantId: string): BulkStore {
  const on = (trx?: StoreTransaction) => executorFor<LifecycleTables>(database, trx);
  const update = (operationId: string, trx?: StoreTransaction) =>
    on(trx).updateTable(table).where('tenant_id', '=', tenantId).where('id', '=', operationId);
  return {
    ...kyselyBulkCustomers(database, outbox, tenantId),
    async insert(operation, trx) {
      await on(trx).insertInto(table).values(rowOf(operation)).execute();
    },
    async get(operationId, trx) {
      const row = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', operationId)
        .$if(trx !== undefined && database.traits.skipLocked, (query) => query.forUpdate())
        .executeTakeFirst();
      return row && operationOf(row);
    },
    // Index: the primary key.
    async list({ limit, cursor }) {
      const rows = await on()
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .$if(cursor !== undefined, (query) => query.where('id', '<', cursor as string))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(operationOf), limit);
    },
    // Index: (tenant_id, status).
    async countOpen(trx) {
      const { count } = await on(trx)
        .selectFrom(table)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('tenant_id', '=', tenantId)
        .where('status', 'in', ['collecting', ...open])
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    async touch(operationId, at, trx) {
      const { numUpdatedRows } = await update(operationId, trx)
        .set({ touched_at: at })
        .where('status', '=', 'collecting')
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async begin(operationId, trx) {
      const { numUpdatedRows } = await update(operationId, trx)
        .set({ status: 'pending' })
        .where('status', '=', 'collecting')
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async requestCancel(operationId, at) {
      // In this order: one that is begun in between is open by then.
      await update(operationId)
        .set({ status: 'cancelled', cancel_requested_at: at, ended_at: at, ...wordsAtEnd })
        .where('status', '=', 'collecting')
        .execute();
      await update(operationId)
        .set({ cancel_requested_at: at })
        .where('status', 'in', open)
        .where('cancel_requested_at', 'is', null)
        .execute();
    },
    async advance(operation, before, trx) {
      const { status, total, processed, changed, refused, outcomes, ...row } = rowOf(operation);
      const { last_customer_id, started_at, touched_at, ended_at } = row;
      // Not its words: somebody may have been erased since it was read.
      const words = isOfFew(operation) ? ended_at !== null && wordsAtEnd : erasedRow(null);
      const { numUpdatedRows } = await update(operation.id, trx)
        .set({ status, total, processed, changed, refused, outcomes })
        .set({ last_customer_id, started_at, touched_at, ended_at, ...words })
        .where('status', 'in', open)
        .where('last_customer_id', '=', before.cursor)
        .where('processed', '=', before.processed)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async addFailures(operationId, failures, trx) {
      for (let start = 0; start < failures.length; start += rowsPerInsert) {
        const rows = failures.slice(start, start + rowsPerInsert).map(({ id, code, message }) => {
          return { tenant_id: tenantId, operation_id: operationId, customer_id: id, code, message };
        });
        await onConflictDoNothing(database, on(trx).insertInto('dotmac_bulk_failures').values(rows)).execute();
      }
    },
    // Index: the primary key.
    async failures({ operationId, limit, cursor }) {
      const rows = await on()
        .selectFrom('dotmac_bulk_failures')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('operation_id', '=', operationId)
        .$if(cursor !== undefined, (query) => query.where('customer_id', '>', cursor as string))
        .orderBy('customer_id')
        .limit(limit + 1)
        .execute();
      return pageOf(
        rows.map(({ customer_id: id, code, message }) => ({ id, code, message })),
        limit,
      );
    },
    async addTargets(operationId, customerIds, trx) {
      const ids = [...new Set(customerIds)];
      for (let start = 0; start < ids.length; start += rowsPerInsert) {
        const rows = ids.slice(start, start + rowsPerInsert).map((id) => {
          return { tenant_id: tenantId, operation_id: operationId, customer_id: id };
        });
        await onConflictDoNothing(database, on(trx).insertInto('dotmac_bulk_targets').values(rows)).execute();
      }
    },
    async copyTargets(from, to, trx) {
      await on(trx)
        .insertInto('dotmac_bulk_targets')
        .columns(['tenant_id', 'operation_id', 'customer_id'])
        .expression(({ selectFrom, val }) =>
          selectFrom('dotmac_bulk_targets')
            .select(['tenant_id', val(to).as('operation_id'), 'customer_id'])
            .where('tenant_id', '=', tenantId)
            .where('operation_id', '=', from),
        )
        .execute();
    },
  };
}

/** Operations of all tenants that nobody has gone on with for a while. Index: (status, touched_at). */
export async function kyselyDueBulk(
  database: Database,
  untilMs: number,
  { limit, after }: DuePage,
): Promise<Page<DueKey>> {
  const place = readDuePlace(after);
  const rows = await database
    .withTables<LifecycleTables>()
    .selectFrom(table)
    .select(['tenant_id', 'id', 'touched_at'])
    .where('status', 'in', open)
    .where('touched_at', '<=', untilMs - staleMs)
    .$if(place !== undefined, (query) => query.where(behind('touched_at', place as DuePlace)))
    .orderBy('touched_at')
    .orderBy('tenant_id')
    .orderBy('id')
    .limit(limit + 1)
    .execute();
  const found = rows.map(({ tenant_id: tenantId, id, touched_at: at }) => ({ tenantId, id, at: Number(at) }));
  return dueKeys(found, limit, ({ tenantId, id, at }) => ({ key: bulkKey(tenantId, id), at: at + staleMs }));
}

function rowOf(operation: BulkOperation): BulkRow {
  return {
    tenant_id: operation.tenantId,
    id: operation.id,
    command: operation.command,
    input: toJson(operation.input),
    filter: toJson(operation.filter),
    dry_run: toFlag(operation.dryRun),
    status: operation.status,
    total: operation.total,
    processed: operation.processed,
    changed: operation.changed,
    refused: operation.refused,
    outcomes: toJson(operation.outcomes),
    last_customer_id: operation.cursor,
    up_to: operation.upTo,
    created_by: operation.createdBy,
    created_at: operation.createdAt,
    started_at: operation.startedAt,
    touched_at: operation.touchedAt,
    ended_at: operation.endedAt,
    cancel_requested_at: operation.cancelRequestedAt,
    ...erasedRow(operation.erased),
  };
}

/** An operation of its row. */
export function operationOf(row: BulkRow): BulkOperation {
  return {
    tenantId: row.tenant_id,
    id: row.id,
    command: row.command as BulkOperation['command'],
    input: fromJson<BulkOperation['input']>(row.input),
    filter: fromJson<BulkOperation['filter']>(row.filter),
    dryRun: fromFlag(row.dry_run),
    status: row.status as BulkStatus,
    total: numberOrNull(row.total),
    processed: Number(row.processed),
    changed: Number(row.changed),
    refused: Number(row.refused),
    outcomes: fromJson<BulkOperation['outcomes']>(row.outcomes),
    cursor: row.last_customer_id,
    upTo: row.up_to,
    createdBy: row.created_by,
    createdAt: Number(row.created_at),
    startedAt: numberOrNull(row.started_at),
    touchedAt: Number(row.touched_at),
    endedAt: numberOrNull(row.ended_at),
    cancelRequestedAt: numberOrNull(row.cancel_requested_at),
    erased: erasedOf(row),
  };
}
