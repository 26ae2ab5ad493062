import { setImmediate as endOfTurn } from 'node:timers/promises';
import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult } from 'kysely';
import type { Clock } from '../clock.js';
import { isRetryable, storeError, unavailable } from './errors.js';

/** The part of better-sqlite3's `Database` that is used here. */
export interface SqliteHandle {
  close(): void;
  readonly inTransaction?: boolean;
  /** The file; empty or `:memory:` for none. */
  readonly name?: string;
  prepare(sql: string): SqliteStatement;
}

interface SqliteStatement {
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
}

/** Waits of the SQLite driver. */
export interface SqliteWaits {
  clock: Clock;
  /** How long to wait for another process's (or handle's) write lock. */
  busyTimeoutMs: number;
  /** How long to wait for a transaction of this process to leave the one connection. */
  acquireTimeoutMs: number;
}

/** Compiled statements kept; a query's text is the same each time but for lists of other lengths. */
const keptStatements = 256;
const firstBusyWaitMs = 1;
const longestBusyWaitMs = 25;
/** Statements run so long without a pause, ms: then timers and sockets have their turn. */
const longestTurnMs = 5;

/**
 * A SQLite driver for Kysely on one better-sqlite3 handle. It differs from Kysely's own in four ways:
 * transactions begin immediate (a deferred one that reads first fails at once when another process has written since,
 * and no busy timeout covers that); a busy database is waited for asynchronously (SQLite's own busy timeout would block
 * the event loop, and with it the transaction that is waited for, when that one is of the same process); the wait
 * for the connection ends; and whoever has one statement follow the other lets the event loop turn in between (answers come
 * without a turn of it here, so that nothing else would ever run).
 */
export class SqliteDriver implements Driver {
  readonly #open: () => Promise<SqliteHandle>;
  readonly #waits: SqliteWaits;
  readonly #closes: boolean;
  readonly #waiting: ((connection: SqliteConnection) => void)[] = [];
  #handle: SqliteHandle | undefined;
  #connection: SqliteConnection | undefined;
  #taken = false;

  constructor(open: () => Promise<SqliteHandle>, waits: SqliteWaits, closes: boolean) {
    this.#open = open;
    this.#waits = waits;
    this.#closes = closes;
  }

  async init(): Promise<void> {
    this.#handle = await this.#open();
    this.#connection = new SqliteConnection(this.#handle, this.#waits);
  }

  acquireConnection(): Promise<DatabaseConnection> {
    const connection = this.#connection as SqliteConnection;
    if (!this.#taken) {
      this.#taken = true;
      return Promise.resolve(connection);
    }
    return new Promise((resolve, reject) => {
      const cancel = this.#waits.clock.after(this.#waits.acquireTimeoutMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(unavailable('waiting for another transaction of this process (a query beside its own transaction?)'));
      });
      const turn = (free: SqliteConnection): void => {
        cancel();
        resolve(free);
      };
      this.#waiting.push(turn);
    });
  }

  releaseConnection(): Promise<void> {
    const next = this.#waiting.shift();
    if (next) next(this.#connection as SqliteConnection);
    else this.#taken = false;
    return Promise.resolve();
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk has rolled back by itself; a second rollback would hide why.
    if (this.#handle?.inTransaction !== false) await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  async savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`savepoint ${quoted(name)}`));
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`rollback to ${quoted(name)}`));
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`release ${quoted(name)}`));
  }

  destroy(): Promise<void> {
    if (this.#closes) this.#handle?.close();
    return Promise.resolve();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

class SqliteConnection implements DatabaseConnection {
  readonly #statements = new Map<string, SqliteStatement>();
  /** When the first statement of this turn of the event loop began. */
  #turnBeganAt: number | undefined;

  constructor(
    readonly handle: SqliteHandle,
    readonly waits: SqliteWaits,
  ) {}

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { clock, busyTimeoutMs } = this.waits;
    let startedAt = clock.monotonic();
    if (this.#isTurnOver(startedAt)) {
      await endOfTurn();
      startedAt = clock.monotonic();
    }
    for (let waitMs = firstBusyWaitMs; ; waitMs = Math.min(waitMs * 2, longestBusyWaitMs)) {
      try {
        return this.#execute<Row>(sql, parameters);
      } catch (error) {
        if (!isRetryable(error)) throw storeError(error, 'running a statement');
        if (clock.monotonic() - startedAt >= busyTimeoutMs) throw unavailable('another process was writing', error);
      }
      await clock.sleep(waitMs);
    }
  }

  #isTurnOver(now: number): boolean {
    if (this.#turnBeganAt !== undefined) return now - this.#turnBeganAt >= longestTurnMs;
    this.#turnBeganAt = now;
    void endOfTurn().then(() => (this.#turnBeganAt = undefined));
    return false;
  }

  #execute<Row>(sql: string, parameters: readonly unknown[]): QueryResult<Row> {
    const statement = this.#statement(sql);
    if (statement.reader) return { rows: statement.all(parameters) as Row[] };
    const { changes, lastInsertRowid } = statement.run(parameters);
    return { numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid), rows: [] };
  }

  /** Least recently used first: compiling costs several times what running does. */
  #statement(sql: string): SqliteStatement {
    const statement = this.#statements.get(sql) ?? this.handle.prepare(sql);
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > keptStatements) this.#statements.delete(this.#statements.keys().next().value as string);
    return statement;
  }

  // eslint-disable-next-line require-yield -- The interface asks for a generator; nothing in dotmac streams.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new TypeError('Streaming is not supported on SQLite: read in keyset batches.');
  }
}
