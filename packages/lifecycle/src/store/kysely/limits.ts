import { executorFor, upsert, type Database, type Migration } from '@dotmac/core/kysely';
import type { LimitStore } from '../store.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_lifecycle_limits';

const limits: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable(table)
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('name', types.word, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_lifecycle_limits_pk', ['tenant_id', 'name'])
    .execute();
};

/** A row for each limit that somebody came for, to be locked. */
export const limitMigrations: Record<string, Migration> = { '0049-limits': limits };

/** Limits in the database. Index: the primary key. */
export function kyselyLimits(database: Database, tenantId: string): LimitStore {
  return {
    async lock(name, trx) {
      const insert = executorFor<LifecycleTables>(database, trx)
        .insertInto(table)
        .values({ tenant_id: tenantId, name });
      // Written in any case: that locks a row, whether it is new or not.
      await upsert(database, insert, ['tenant_id', 'name'], { name: 'replace' }).execute();
    },
  };
}
