import { executorFor, fromJson, numberOrNull, toJson, type Database } from '@dotmac/core/kysely';
import type { DunningCase, OverdueInvoice } from '../../dunning/case.js';
import type { DunningCaseStore } from '../store.js';
import type { DunningCaseRow } from './service-tables.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_dunning_cases';

/** Dunning cases in the database. */
export function kyselyDunningCases(database: Database, tenantId: string): DunningCaseStore {
  const on = (trx?: Parameters<DunningCaseStore['get']>[2]) => executorFor<LifecycleTables>(database, trx);
  const remove: DunningCaseStore['remove'] = async (customerId, policy, trx) => {
    await on(trx)
      .deleteFrom(table)
      .where('tenant_id', '=', tenantId)
      .where('customer_id', '=', customerId)
      .where('policy', '=', policy)
      .execute();
  };
  return {
    remove,
    async get(customerId, policy, trx) {
      const row = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .where('policy', '=', policy)
        .$if(trx !== undefined && database.traits.skipLocked, (query) => query.forUpdate())
        .executeTakeFirst();
      return row && caseOf(row);
    },
    async listFor(customerId) {
      const rows = await on()
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .orderBy('policy')
        .execute();
      return rows.map(caseOf);
    },
    async put({ customerId, policy, invoices, stepsTaken, lastStepAt, openedAt }, trx) {
      await remove(customerId, policy, trx);
      const row = {
        tenant_id: tenantId,
        customer_id: customerId,
        policy,
        invoices: toJson([...invoices]),
        steps_taken: stepsTaken,
        last_step_at: lastStepAt,
        opened_at: openedAt,
      };
      await on(trx).insertInto(table).values(row).execute();
    },
  };
}

function caseOf(row: DunningCaseRow): DunningCase {
  return {
    customerId: row.customer_id,
    policy: row.policy,
    invoices: fromJson<OverdueInvoice[]>(row.invoices),
    stepsTaken: Number(row.steps_taken),
    lastStepAt: numberOrNull(row.last_step_at),
    openedAt: Number(row.opened_at),
  };
}
