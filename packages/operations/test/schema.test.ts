import { sqlite, type Database } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createOperations, type Operations } from '../src/index.js';

const migratedDatabase = async (): Promise<Database> => {
  const database = sqlite(':memory:');
  onTestFinished(() => database.close());
  const operations = createOperations({ database });
  await operations.start();
  await operations.stop();
  return database;
};

/** What the database remembers of the migrations of a module. */
const remembered = (database: Database, module: string) => {
  const table = `dotmac_${module}_migrations` as const;
  const kysely = database.withTables<Record<string, { name: string; timestamp: string }>>();
  return {
    add: (name: string) => kysely.insertInto(table).values({ name, timestamp: '2026-01-31T12:00:00Z' }).execute(),
    remove: (name: string) => kysely.deleteFrom(table).where('name', '=', name).execute(),
  };
};

const begun = ({ health, lifecycle, maintenance }: Operations): string[] =>
  [health, lifecycle, maintenance].filter((it) => it.readiness().ready).map(({ name }) => name);

describe.each(['health', 'lifecycle', 'maintenance', 'core'])('a newer schema of %s', (module) => {
  it.each([true, false])('is refused before anything begins, with migrate: %s', async (migrate) => {
    const database = await migratedDatabase();
    await remembered(database, module).add('9999-of-tomorrow');
    const operations = createOperations({ database, migrate });
    onTestFinished(() => operations.stop());
    await expect(operations.start()).rejects.toMatchObject({
      code: 'SCHEMA_TOO_NEW',
      details: { module, migration: '9999-of-tomorrow' },
    });
    expect(begun(operations)).toEqual([]);
  });
});

describe('who does not migrate', () => {
  it('is told of a database that nobody has migrated, before anything begins', async () => {
    const database = sqlite(':memory:');
    const operations = createOperations({ database, migrate: false });
    onTestFinished(() => operations.stop().then(() => database.close()));
    await expect(operations.start()).rejects.toMatchObject({ code: 'SCHEMA_TOO_OLD', details: { module: 'core' } });
    expect(begun(operations)).toEqual([]);
  });

  it('is told of a migration that is still to come', async () => {
    const database = await migratedDatabase();
    await remembered(database, 'lifecycle').remove('0052-left-behind-by-removed-webhooks');
    const operations = createOperations({ database, migrate: false });
    onTestFinished(() => operations.stop());
    await expect(operations.start()).rejects.toMatchObject({
      code: 'SCHEMA_TOO_OLD',
      details: { module: 'lifecycle', migration: '0052-left-behind-by-removed-webhooks' },
    });
    expect(begun(operations)).toEqual([]);
  });

  it('begins on a database that was migrated', async () => {
    const operations = createOperations({ database: await migratedDatabase(), migrate: false });
    onTestFinished(() => operations.stop());
    await operations.start();
    expect(begun(operations)).toEqual(['health', 'lifecycle', 'maintenance']);
  });
});
