import { executorFor, type Database } from '@dotmac/core/kysely';
import type { ServiceStatus } from '../../services/instance.js';
import { pageOf } from '../page-of.js';
import type { ServiceStore } from '../store.js';
import { serviceOf, serviceRow } from './service-tables.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_services';

/** Services in the database. */
export function kyselyServices(database: Database, tenantId: string): ServiceStore {
  const on = (trx?: Parameters<ServiceStore['get']>[1]) => executorFor<LifecycleTables>(database, trx);
  return {
    async insert(service, trx) {
      await on(trx)
        .insertInto(table)
        .values({ ...serviceRow(service), tenant_id: tenantId })
        .execute();
    },
    async get(serviceId, trx) {
      const row = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', serviceId)
        .executeTakeFirst();
      return row && serviceOf(row);
    },
    async lock(serviceId, trx) {
      const row = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', serviceId)
        .$if(database.traits.skipLocked, (query) => query.forUpdate())
        .executeTakeFirst();
      return row && serviceOf(row);
    },
    async replace(service, trx) {
      const { tenant_id: _, id, ...changed } = serviceRow(service);
      await on(trx).updateTable(table).set(changed).where('tenant_id', '=', tenantId).where('id', '=', id).execute();
    },
    // Index: (tenant_id, customer_id, id); ids are in the order of their making.
    async live(customerId, trx) {
      const rows = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .where('status', 'not in', ['terminated', 'failed'])
        .$if(database.traits.skipLocked, (query) => query.forUpdate())
        .orderBy('id')
        .execute();
      return rows.map(serviceOf);
    },
    // Index: (tenant_id, customer_id, id), (tenant_id, status, id), or the primary key.
    async list({ customerId, status, limit, cursor }) {
      const rows = await on()
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .$if(customerId !== undefined, (query) => query.where('customer_id', '=', customerId as string))
        .$if(status !== undefined, (query) => query.where('status', '=', status as string))
        .$if(cursor !== undefined, (query) => query.where('id', '<', cursor as string))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(serviceOf), limit);
    },
    // Index: (tenant_id, customer_id, id).
    async ownersAmong(customerIds) {
      if (customerIds.length === 0) return [];
      const rows = await on()
        .selectFrom(table)
        .select('customer_id')
        .distinct()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', 'in', customerIds)
        .execute();
      return rows.map(({ customer_id }) => customer_id);
    },
    // Index: (tenant_id, status, id).
    async countByStatus() {
      const rows = await on()
        .selectFrom(table)
        .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
        .where('tenant_id', '=', tenantId)
        .groupBy('status')
        .execute();
      return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)])) as Partial<
        Record<ServiceStatus, number>
      >;
    },
  };
}
