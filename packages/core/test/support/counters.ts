import type { ModuleMigrations } from '../../src/kysely/index.js';

/** The tables of {@link counterMigrations}. */
export interface Tables {
  counters: { name: string; n: number; best: number | null; info: string | null };
}

/** A module with one table. */
export const counterMigrations: ModuleMigrations = {
  module: 'demo',
  migrations: {
    '0001-counters': async (schema, { types }) => {
      await schema.schema
        .createTable('counters')
        .addColumn('name', types.key, (c) => c.notNull().primaryKey())
        .addColumn('n', types.bigInt, (c) => c.notNull())
        .addColumn('best', types.real)
        .addColumn('info', types.json)
        .execute();
    },
  },
};
/** A row of `counters`. */
export const row = (name: string, n: number, best = 0) => ({ name, n, best, info: null });
