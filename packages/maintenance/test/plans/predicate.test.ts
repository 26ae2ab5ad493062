import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { predicateText } from '../../src/databases/rows/due.js';
import { createMaintenance, memoryMaintenanceStore, type RetentionPolicy } from '../../src/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const day = 86_400_000;

for (const { title, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`a plan whose policy has a condition, on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;

    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      await sql`create table sessions (id bigint primary key, at bigint, kind varchar(20), size bigint)`.execute(
        database.kysely,
      );
      const old = Date.now() - 100 * day;
      for (const [id, kind] of ['web', 'app', 'web', 'app'].entries())
        await sql`insert into sessions values (${id}, ${old}, ${kind}, ${id})`.execute(database.kysely);
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });

    async function planThen(where: RetentionPolicy['where'], change: () => void) {
      const table = { database: 'main', table: 'sessions', timeColumn: 'at', allowFullScan: true };
      const retention: RetentionPolicy[] = [{ name: 'sessions', ...table, retentionDays: 30, where }];
      const maintenance = createMaintenance({
        store: memoryMaintenanceStore(),
        databases: { main: database },
        retention,
        startScheduler: false,
      });
      await maintenance.start();
      const { plans } = maintenance.scope({ tenantId: 'acme' });
      const { id } = await plans.create({ maintenanceType: 'database_cleanup', parameters: {} });
      change();
      const applied = await plans.apply(id).finally(() => maintenance.stop());
      return applied.status;
    }

    it('is refused when a value in it has changed, though as many rows are meant', async () => {
      let kind = 'web';
      const where: RetentionPolicy['where'] = (eb) => eb('kind', '=', kind);
      await expect(planThen(where, () => (kind = 'app'))).rejects.toMatchObject({ code: 'PLAN_DRIFTED' });
      let least = 2n;
      const large: RetentionPolicy['where'] = (eb) => eb('size', '>=', least);
      await expect(planThen(large, () => (least = 3n))).rejects.toMatchObject({ code: 'PLAN_DRIFTED' });
      const { rows } = await sql`select id from sessions`.execute(database.kysely);
      expect(rows).toHaveLength(4);
    });

    it('says the same while nothing but an instant in it changes', () => {
      const at = (instant: Date, kind: string) =>
        predicateText((eb) => eb.and([eb('kind', '=', kind), eb('until', '<', instant)]), database);
      expect(at(new Date(1), 'web')).toBe(at(new Date(2), 'web'));
      expect(at(new Date(1), 'web')).not.toBe(at(new Date(1), 'app'));
    });
  });
