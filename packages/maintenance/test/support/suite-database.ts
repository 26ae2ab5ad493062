import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { afterAll, beforeAll } from 'vitest';
import type { FreshDatabase } from './databases.js';

/** Gives the tests of a suite a database of their own: opened and handed to `begin` before them, dropped after them. */
export function suiteDatabase(
  create: () => Promise<FreshDatabase>,
  begin: (database: Database, url: string) => unknown,
): void {
  let close = async (): Promise<unknown> => undefined;
  beforeAll(async () => {
    const { url, drop } = await create();
    const database = databaseFromUrl(url);
    close = () => database.close().then(drop);
    await begin(database, url);
  });
  afterAll(() => close());
}
