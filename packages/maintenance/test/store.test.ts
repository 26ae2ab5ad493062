import { describe, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { runSuite } from '@dotmac/core/testing';
import { kyselyMaintenanceStore, memoryMaintenanceStore } from '../src/index.js';
import { maintenanceStoreSuite } from '../src/testing/index.js';
import { dialects } from './support/databases.js';

describe('in memory', () => {
  runSuite(maintenanceStoreSuite, { describe, it }, async () => ({
    subject: memoryMaintenanceStore(),
    close: async () => {},
  }));
});

for (const { title, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`on ${title}`, () => {
    runSuite(maintenanceStoreSuite, { describe, it }, async () => {
      const fresh = await createFresh();
      const database = databaseFromUrl(fresh.url);
      const subject = kyselyMaintenanceStore(database);
      await subject.migrate();
      return { subject, close: () => database.close().then(fresh.drop) };
    });
  });
