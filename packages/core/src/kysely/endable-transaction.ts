import { Transaction, type DatabaseConnection, type QueryExecutor } from 'kysely';

/** Who is given a transaction may not know that it has ended, and says something more to it. */
const over = (): Error => new Error('This transaction has ended: what is said to it now would be done by itself.');

/**
 * The same transaction, which refuses whatever comes after `end`. Kysely refuses that only once COMMIT or ROLLBACK has been
 * answered: what is said while that is on its way to the server comes after it, and is done by itself. So work that was
 * given up, and does not know it yet, would leave half of what it does.
 */
export function endableTransaction<Tables>(given: Transaction<Tables>): { trx: Transaction<Tables>; end: () => void } {
  let hasEnded = false;
  const executor = given.getExecutor();
  // Looked at last of all, where a statement is handed to the driver: several may have waited for the one before them.
  const asked = (connection: DatabaseConnection): DatabaseConnection => ({
    executeQuery<Row>(...query: Parameters<DatabaseConnection['executeQuery']>) {
      return hasEnded ? Promise.reject(over()) : connection.executeQuery<Row>(...query);
    },
    streamQuery<Row>(...query: Parameters<DatabaseConnection['streamQuery']>) {
      if (hasEnded) throw over();
      return connection.streamQuery<Row>(...query);
    },
  });
  const guarded = executor.withConnectionProvider({
    provideConnection: (consume) => executor.provideConnection((connection) => consume(asked(connection))),
  });
  return { trx: asGiven(transactionOn(given, guarded), given), end: () => void (hasEnded = true) };
}

/** What else a host's kind of transaction can do (a `ControlledTransaction` has savepoints), it still can. */
function asGiven<Tables>(trx: Transaction<Tables>, given: Transaction<Tables>): Transaction<Tables> {
  if (!('savepoint' in given)) return trx;
  return new Proxy(trx, {
    has: (_, name) => name in trx || name in given,
    get(_, name) {
      const on = name in trx ? trx : given;
      const member: unknown = Reflect.get(on, name);
      // They may have private members.
      return typeof member === 'function' ? (member.bind(on) as unknown) : member;
    },
  });
}

/** A transaction is never begun or destroyed by itself: of the dialect it needs no more than what reads the schema. */
function transactionOn<Tables>(given: Transaction<Tables>, executor: QueryExecutor): Transaction<Tables> {
  const none = (): never => {
    throw new Error('A transaction has the connection that it was begun on, and no other.');
  };
  const dialect = {
    createAdapter: () => executor.adapter,
    createIntrospector: () => given.introspection,
    createDriver: none,
    createQueryCompiler: none,
  };
  const driver = {
    init: none,
    acquireConnection: none,
    beginTransaction: none,
    commitTransaction: none,
    rollbackTransaction: none,
    releaseConnection: none,
    destroy: none,
  };
  return new Transaction<Tables>({ config: { dialect }, dialect, driver, executor });
}
