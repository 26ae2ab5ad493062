import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { StoreTransaction } from '../store-transaction.js';
import type { Database } from './database.js';
import { executorFor } from './transaction.js';

/** The place of a value that is given later. */
class Place {
  constructor(readonly name: string) {}
}

/**
 * A query whose text is built once for each database: building one costs several times what running it on SQLite does.
 * `build` is called with places in place of values; it may compare with them and nothing else, so that the text is the
 * same for all values.
 *
 * @example
 * const findOrder = keptQuery((db: Kysely<Tables>, given: { id: string }) =>
 *   db.selectFrom('orders').selectAll().where('id', '=', given.id),
 * );
 * const [order] = await findOrder(database, { id }, trx);
 */
export function keptQuery<Tables, Given extends object, Row>(
  build: (kysely: Kysely<Tables>, given: Given, database: Database) => Compilable<Row>,
): (database: Database, given: Given, trx?: StoreTransaction) => Promise<Row[]> {
  const kept = new WeakMap<Database, CompiledQuery<Row>>();
  const places = new Proxy({} as Given, { get: (_, name) => new Place(String(name)) });
  return async (database, given, trx) => {
    let query = kept.get(database);
    if (!query) kept.set(database, (query = build(database.withTables<Tables>(), places, database).compile()));
    const parameters = query.parameters.map((it) => (it instanceof Place ? given[it.name as keyof Given] : it));
    const { rows } = await executorFor<Tables>(database, trx).executeQuery<Row>({ ...query, parameters });
    return rows;
  };
}
