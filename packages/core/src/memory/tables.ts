import type { StoreTransaction } from '../store-transaction.js';

/** A transaction over memory tables. */
export interface MemoryTransaction extends StoreTransaction {
  /** Runs `callback` once the transaction has committed; never when it is rolled back. */
  afterCommit(callback: () => void): void;
}

type Tables = Record<string, Map<string, never>>;
type ReadOnly<T extends Tables> = {
  readonly [Name in keyof T]: T[Name] extends Map<string, infer Row> ? ReadonlyMap<string, Row> : never;
};

/** Transactional tables in memory. */
export interface MemoryTables<T extends Tables> {
  /** For reading outside a transaction. Sees what a running transaction has written so far. */
  readonly read: ReadOnly<T>;
  /**
   * Runs `work` alone: transactions wait for one another. When it throws, everything it wrote is undone.
   * Given a running transaction of these tables, joins it.
   */
  transaction<Result>(
    work: (tables: T, trx: MemoryTransaction) => Promise<Result> | Result,
    join?: StoreTransaction,
  ): Promise<Result>;
}

/**
 * Makes transactional tables out of maps.
 * Rows are values: replace a row with `set`, never change one in place, or rolling back cannot restore it.
 *
 * @example
 * const tables = memoryTables({ endpoints: new Map<string, Endpoint>() });
 * await tables.transaction(({ endpoints }) => endpoints.set(`${tenantId}/${id}`, endpoint));
 */
export function memoryTables<
  T extends { [Name in keyof T]: Map<string, T[Name] extends Map<string, infer Row> ? Row : never> },
>(maps: T): MemoryTables<T & Tables> {
  let undo: (() => void)[] = [];
  let last: Promise<unknown> = Promise.resolve();
  let running: MemoryTransaction | undefined;
  const journaled = Object.fromEntries(
    Object.entries(maps).map(([name, map]) => [name, journal(map as Map<string, unknown>, (step) => undo.push(step))]),
  ) as T & Tables;

  const runAlone = async <Result>(
    work: (tables: T & Tables, trx: MemoryTransaction) => Promise<Result> | Result,
  ): Promise<Result> => {
    const committed: (() => void)[] = [];
    const trx: MemoryTransaction = { isTransaction: true, afterCommit: (callback) => void committed.push(callback) };
    undo = [];
    running = trx;
    let result: Result;
    try {
      result = await work(journaled, trx);
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    } finally {
      running = undefined;
      undo = [];
    }
    for (const callback of committed) callback();
    return result;
  };

  return {
    read: maps as unknown as ReadOnly<T & Tables>,
    async transaction(work, join) {
      if (join !== undefined) {
        if (join !== running)
          throw new TypeError('The transaction given is not the running one of these memory tables.');
        return work(journaled, running);
      }
      const turn = last.then(() => runAlone(work));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** A view of a map that reports, for every write, the step that undoes it. */
function journal<Row>(rows: Map<string, Row>, record: (undo: () => void) => void): Map<string, Row> {
  const remember = (key: string): void => {
    const existed = rows.has(key);
    const before = rows.get(key) as Row;
    record(() => void (existed ? rows.set(key, before) : rows.delete(key)));
  };
  return new Proxy(rows, {
    get(target, property) {
      if (property === 'set')
        return (key: string, row: Row) => {
          remember(key);
          return target.set(key, row);
        };
      if (property === 'delete')
        return (key: string) => {
          if (target.has(key)) remember(key);
          return target.delete(key);
        };
      if (property === 'clear')
        return () => {
          for (const key of target.keys()) remember(key);
          target.clear();
        };
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
