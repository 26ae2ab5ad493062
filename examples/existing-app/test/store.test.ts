import { fromKysely } from '@dotmac/core/kysely';
import { kyselyLifecycleStore } from '@dotmac/lifecycle';
import { fakeClock, lifecycleStoreSuite, runSuite } from '@dotmac/lifecycle/testing';
import { describe, it } from 'vitest';
import { available, freshPostgres } from '../../../test/support/services.js';
import { openDatabase, prepareDatabase } from '../src/database.js';

// What dotmac promises of a store, asked of this application's own connection, beside its own tables.
describe.skipIf(!available.postgres)("the store on the application's own database", () => {
  runSuite(lifecycleStoreSuite, { describe, it }, async () => {
    const { url, drop } = await freshPostgres();
    const database = openDatabase(url);
    await prepareDatabase(database);
    const clock = fakeClock();
    const store = kyselyLifecycleStore(fromKysely(database, 'postgres'), { clock });
    await store.migrate();
    const close = () => database.destroy().then(drop);
    return { subject: { store, clock }, close };
  });
});
