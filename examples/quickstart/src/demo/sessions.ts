import type { Database } from '@dotmac/core/kysely';

interface DemoTables {
  demo_sessions: { id: number; user_name: string; created_at: number };
}

const dayMs = 86_400_000;
const rowsAtOnce = 500;

/** The table that the quickstart's retention policy is about. */
export function demoSessions(database: Database) {
  const kysely = database.withTables<DemoTables>();
  const insert = async (count: number, createdAt: (index: number) => number): Promise<void> => {
    const { last } = await kysely
      .selectFrom('demo_sessions')
      .select(({ fn }) => fn.max<number | null>('id').as('last'))
      .executeTakeFirstOrThrow();
    for (let from = 0; from < count; from += rowsAtOnce) {
      const rows = Array.from({ length: Math.min(rowsAtOnce, count - from) }, (_, index) => ({
        id: Number(last ?? 0) + from + index + 1,
        user_name: `user-${(from + index) % 97}`,
        created_at: createdAt(from + index),
      }));
      await kysely.insertInto('demo_sessions').values(rows).execute();
    }
  };
  const count = async (): Promise<number> => {
    const { rows } = await kysely
      .selectFrom('demo_sessions')
      .select(({ fn }) => fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow();
    return Number(rows);
  };
  const seed = async (old: number, recent: number): Promise<void> => {
    const now = Date.now();
    await insert(old, (index) => now - (60 + (index % 300)) * dayMs);
    await insert(recent, (index) => now - (index % 7) * dayMs);
  };
  return {
    count,
    /** Adds rows of 60 days and older, and of the last week. */
    seed,
    /** Makes the table and seeds it, once. */
    async prepare(): Promise<void> {
      const tables = await kysely.introspection.getTables();
      if (tables.some(({ name }) => name === 'demo_sessions')) return;
      await kysely.schema
        .createTable('demo_sessions')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('user_name', 'text')
        .addColumn('created_at', 'bigint')
        .execute();
      await kysely.schema.createIndex('demo_sessions_created_at').on('demo_sessions').column('created_at').execute();
      await seed(2_000, 500);
    },
  };
}
