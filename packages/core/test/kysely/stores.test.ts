import { afterAll, beforeAll, describe, it } from 'vitest';
import {
  coreMigrations,
  databaseFromUrl,
  inTransaction,
  kyselyIdempotencyStore,
  kyselyLeases,
  kyselyOutbox,
  migrate,
  type Database,
} from '../../src/kysely/index.js';
import type { CoreTables } from '../../src/kysely/core-tables.js';
import {
  fakeClock,
  idempotencySuite,
  leaseSuite,
  outboxSuite,
  runSuite,
  type IdempotencySubject,
  type LeaseSubject,
  type OutboxSubject,
  type SuiteSubject,
} from '../../src/testing/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

for (const { present, fresh: createFresh, title } of dialects)
  describe.skipIf(!present)(`core stores on ${title}`, () => {
    let fresh: FreshDatabase;
    let databases: readonly [Database, Database];

    beforeAll(async () => {
      fresh = await createFresh();
      databases = [databaseFromUrl(fresh.url), databaseFromUrl(fresh.url)];
      await migrate(databases[0], coreMigrations);
    });
    afterAll(async () => {
      await Promise.all(databases.map((database) => database.close()));
      await fresh.drop();
    });

    const emptied = async (table: keyof CoreTables): Promise<void> => {
      await databases[0].withTables<CoreTables>().deleteFrom(table).execute();
    };

    runSuite(outboxSuite, { describe, it }, async (): Promise<SuiteSubject<OutboxSubject>> => {
      await emptied('dotmac_outbox');
      const clock = fakeClock();
      const outboxOn = (database: Database) => kyselyOutbox(database, { queue: 'test', clock });
      return {
        subject: {
          outboxes: [outboxOn(databases[0]), outboxOn(databases[1])],
          clock,
          transaction: (work) => inTransaction(databases[0], undefined, work),
        },
      };
    });

    runSuite(leaseSuite, { describe, it }, async (): Promise<SuiteSubject<LeaseSubject>> => {
      await emptied('dotmac_leases');
      const clock = fakeClock();
      return {
        subject: { leases: [kyselyLeases(databases[0], { clock }), kyselyLeases(databases[1], { clock })], clock },
      };
    });

    runSuite(idempotencySuite, { describe, it }, async (): Promise<SuiteSubject<IdempotencySubject>> => {
      await emptied('dotmac_idempotency');
      return { subject: { stores: [kyselyIdempotencyStore(databases[0]), kyselyIdempotencyStore(databases[1])] } };
    });
  });
