import type { DueKey } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import { executorFor, type Database } from '@dotmac/core/kysely';
import { dueKeys, readDuePlace, type DuePage, type DuePlace } from '../due-place.js';
import { timerKey, type TimerStore } from '../store.js';
import { behind } from './behind.js';
import { timerOf, timerRow } from './service-tables.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_lifecycle_timers';

/** Timers in the database. */
export function kyselyTimers(database: Database, tenantId: string): TimerStore {
  const on = (trx?: Parameters<TimerStore['take']>[1]) => executorFor<LifecycleTables>(database, trx);
  const clear: TimerStore['clear'] = async (customerId, name, trx) => {
    await on(trx)
      .deleteFrom(table)
      .where('tenant_id', '=', tenantId)
      .where('customer_id', '=', customerId)
      .where('name', '=', name)
      .execute();
  };
  return {
    clear,
    async put(timer, trx) {
      await clear(timer.customerId, timer.name, trx);
      await on(trx).insertInto(table).values(timerRow(tenantId, timer)).execute();
    },
    // Index: (tenant_id, id).
    async get(timerId) {
      const row = await on()
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', timerId)
        .executeTakeFirst();
      return row && timerOf(row);
    },
    async take(timerId, trx) {
      const { numDeletedRows } = await on(trx)
        .deleteFrom(table)
        .where('tenant_id', '=', tenantId)
        .where('id', '=', timerId)
        .executeTakeFirst();
      return numDeletedRows === 1n;
    },
    // Index: the primary key.
    async listFor(customerId, trx) {
      const rows = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        // In the snapshot of a host's own transaction, only a locking read sees what was set since.
        .$if(database.traits.skipLocked && trx !== undefined, (query) => query.forUpdate())
        .orderBy('due_at')
        .execute();
      return rows.map(timerOf);
    },
  };
}

/** Timers of all tenants that are due. Index: (due_at). */
export async function kyselyDueTimers(
  database: Database,
  untilMs: number,
  { limit, after }: DuePage,
): Promise<Page<DueKey>> {
  const place = readDuePlace(after);
  const rows = await database
    .withTables<LifecycleTables>()
    .selectFrom(table)
    .select(['tenant_id', 'id', 'due_at'])
    .where('due_at', '<=', untilMs)
    .$if(place !== undefined, (query) => query.where(behind('due_at', place as DuePlace)))
    .orderBy('due_at')
    .orderBy('tenant_id')
    .orderBy('id')
    .limit(limit + 1)
    .execute();
  const found = rows.map(({ tenant_id: tenantId, id, due_at: at }) => ({ tenantId, id, at: Number(at) }));
  return dueKeys(found, limit, ({ tenantId, id, at }) => ({ key: timerKey(tenantId, id), at }));
}
