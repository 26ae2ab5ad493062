import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/index.js';
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

    it('outboxes of two modules share a table, and nothing of what is in it', async () => {
      await emptied('dotmac_outbox');
      const clock = fakeClock();
      const outboxOf = (queue: string) => kyselyOutbox(databases[0], { queue, clock });
      const [own, other] = [outboxOf('health'), outboxOf('lifecycle')];
      const about = { id: newId(), name: 'thing.changed', tenantId: 'acme', actor: 'system', subject: 'a' };
      await own.append([{ subscriber: 'mail', event: { ...about, at: 1, data: {} } }]);
      const ask = { subscribers: ['mail'], limit: 10, leaseMs: 1_000 };
      expect(await other.claim(ask)).toEqual([]);
      const [claimed] = await own.claim(ask);
      clock.set(clock.now() - 3_600_000);
      expect(await other.bringForward({ subscribers: ['mail'], waitsMs: [0], leaseMs: 1_000 })).toBe(0);
      await own.park(claimed?.claim ?? '', 'BROKEN');
      await clock.advance(1_000);
      const parked = { deliveryId: claimed?.deliveryId ?? '' };
      expect((await other.parked('acme', { limit: 10 })).items).toEqual([]);
      expect(await other.unpark('acme', parked)).toBe(false);
      expect(await other.discard('acme', parked)).toBeUndefined();
      expect(await other.pruneParked({ before: clock.now(), limit: 10 })).toEqual([]);
      await inTransaction(databases[0], undefined, (trx) => other.rewrite('acme', ['a'], () => null, trx));
      expect((await own.parked('acme', { limit: 10 })).items).toMatchObject([parked]);
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
