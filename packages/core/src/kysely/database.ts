import type { Kysely } from 'kysely';
import type { Clock } from '../clock.js';
import type { StoreTransaction } from '../store-transaction.js';
import type { DialectName, DialectTraits } from './dialect.js';

/** A database that stores are built on. Made by `sqlite`, `postgres`, `mysql`, `databaseFromUrl` or `fromKysely`. */
export interface Database {
  readonly kysely: Kysely<unknown>;
  readonly dialect: DialectName;
  /** Where this dialect differs. */
  readonly traits: DialectTraits;
  /** Connections at most, where that is known: a Kysely instance of the host's does not say (null). */
  readonly connections: number | null;
  /** Measures the waits between retries. */
  readonly clock: Clock;
  /** The same Kysely instance, typed with the tables a store owns. */
  withTables<Tables>(): Kysely<Tables>;
  /**
   * Runs `callback` once `trx` has committed. Only transactions opened by `inTransaction` on this database are
   * known; for a host's own transaction nothing is called and false is returned.
   */
  afterCommit(trx: StoreTransaction, callback: () => void): boolean;
  /** Closes what was opened here; does nothing for a host's own handle, pool or Kysely instance. Safe to call again. */
  close(): Promise<void>;
}

/** A {@link Database} with the half of `afterCommit` that `inTransaction` needs. */
export interface TrackedDatabase extends Database {
  /** Begins to keep callbacks for `trx`; the function returned runs them. */
  track(trx: StoreTransaction): () => void;
  /** Keeps what is to be called after the commit of `view` with that of `trx`, which it is another name for. */
  follow(view: StoreTransaction, trx: StoreTransaction): void;
}

/** Puts a {@link Database} together. */
export function createDatabase(
  parts: Pick<Database, 'dialect' | 'traits' | 'connections' | 'clock'> & {
    kysely: Kysely<unknown>;
    close: () => Promise<void>;
  },
): TrackedDatabase {
  const { kysely, dialect, traits, connections, clock } = parts;
  const callbacks = new WeakMap<StoreTransaction, (() => void)[]>();
  let closing: Promise<void> | undefined;
  return {
    kysely,
    dialect,
    traits,
    connections,
    clock,
    withTables: <Tables>() => kysely as unknown as Kysely<Tables>,
    afterCommit(trx, callback) {
      const kept = callbacks.get(trx);
      kept?.push(callback);
      return kept !== undefined;
    },
    track(trx) {
      const kept: (() => void)[] = [];
      callbacks.set(trx, kept);
      return () => {
        for (const callback of kept) callback();
      };
    },
    follow(view, trx) {
      const kept = callbacks.get(trx);
      if (kept) callbacks.set(view, kept);
    },
    close: () => (closing ??= parts.close()),
  };
}
