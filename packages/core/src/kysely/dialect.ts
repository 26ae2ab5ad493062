import { sql, type RawBuilder } from 'kysely';

/** The databases that dotmac's own tables can live in. MariaDB is `mysql`. */
export type DialectName = 'sqlite' | 'postgres' | 'mysql';

type ColumnType = RawBuilder<unknown>;

/** Column types for migrations: `.addColumn('tenant_id', types.tenant, (c) => c.notNull())`. */
export interface ColumnTypes {
  /** An id of ours (UUID), compared byte by byte. */
  id: ColumnType;
  /** A tenant id, up to 128 characters, compared byte by byte. */
  tenant: ColumnType;
  /**
   * A name or key to look up by: up to 200 characters, compared byte by byte, can be indexed. Must not end in a space
   * (MySQL pads).
   */
  key: ColumnType;
  /** A word of a fixed vocabulary, a hash or a token: up to 64 ASCII characters, can be indexed. */
  word: ColumnType;
  /** Text up to 16,000 characters; not for indexes. */
  text: ColumnType;
  /** Text of any length. */
  bigText: ColumnType;
  /** An object or array through `toJson` and `fromJson`. */
  json: ColumnType;
  /** Epoch milliseconds. */
  epochMs: ColumnType;
  /** A whole number up to 2^31-1. */
  int: ColumnType;
  /** A whole number up to 2^53-1. */
  bigInt: ColumnType;
  /** 0 or 1, through `toFlag` and `fromFlag`. */
  flag: ColumnType;
  /** A 64-bit floating point number. */
  real: ColumnType;
  /** A number given by the database in the order of insertion; is the primary key by itself. */
  serial: ColumnType;
}

/** Where a dialect differs from the default. */
export interface DialectTraits {
  types: ColumnTypes;
  /** The database's own clock in epoch ms. */
  now: RawBuilder<number>;
  /** `INSERT/UPDATE/DELETE ... RETURNING`. */
  returning: boolean;
  /** `FOR UPDATE SKIP LOCKED`; without it there is a single writer and nothing to skip. */
  skipLocked: boolean;
  /** How an insert gives way to a row that is there already. */
  upsert: 'on conflict' | 'on duplicate key';
  /** The greater or lesser of two values, as a scalar function. */
  greatest: string;
  least: string;
  /** Must a transaction be told to be READ COMMITTED? Otherwise it is (PostgreSQL) or is serial anyway (SQLite). */
  setReadCommitted: boolean;
  /**
   * Is a column that is asked to be null to be named in an order, for an index that goes on after it to give that order?
   * MariaDB sorts all that is found instead.
   */
  ordersByNull: boolean;
  /** What ends CREATE TABLE where rows are to lie in the order of the primary key, and not apart from it. */
  clustered: RawBuilder<unknown>;
  /** DDL takes part in transactions, so that a failed migration leaves nothing behind. */
  transactionalDdl: boolean;
}

const defaults = {
  returning: true,
  skipLocked: true,
  upsert: 'on conflict',
  greatest: 'greatest',
  least: 'least',
  setReadCommitted: false,
  ordersByNull: true,
  clustered: sql``,
  transactionalDdl: true,
} satisfies Partial<DialectTraits>;

const sqliteText = sql`text`;
const sqliteInteger = sql`integer`;

/** The table of differences. */
export const dialectTraits: Record<DialectName, DialectTraits> = {
  sqlite: {
    ...defaults,
    skipLocked: false,
    clustered: sql`without rowid`,
    greatest: 'max',
    least: 'min',
    now: sql<number>`cast(unixepoch('subsec') * 1000 as integer)`,
    types: {
      id: sqliteText,
      tenant: sqliteText,
      key: sqliteText,
      word: sqliteText,
      text: sqliteText,
      bigText: sqliteText,
      json: sqliteText,
      epochMs: sqliteInteger,
      int: sqliteInteger,
      bigInt: sqliteInteger,
      flag: sqliteInteger,
      real: sql`real`,
      serial: sql`integer primary key autoincrement`,
    },
  },
  postgres: {
    ...defaults,
    now: sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,
    types: {
      id: sql`varchar(36) collate "C"`,
      tenant: sql`varchar(128) collate "C"`,
      key: sql`varchar(200) collate "C"`,
      word: sql`varchar(64) collate "C"`,
      text: sql`text`,
      bigText: sql`text`,
      json: sql`jsonb`,
      epochMs: sql`bigint`,
      int: sql`integer`,
      bigInt: sql`bigint`,
      flag: sql`smallint`,
      real: sql`double precision`,
      serial: sql`bigint generated always as identity primary key`,
    },
  },
  mysql: {
    ...defaults,
    returning: false,
    upsert: 'on duplicate key',
    setReadCommitted: true,
    ordersByNull: false,
    transactionalDdl: false,
    // Not unix_timestamp(): it goes through the connection's time zone, where an hour happens twice a year.
    now: sql<number>`timestampdiff(microsecond, '1970-01-01', utc_timestamp(6)) div 1000`,
    types: {
      id: sql`varchar(36) character set ascii collate ascii_bin`,
      tenant: sql`varchar(128) character set utf8mb4 collate utf8mb4_bin`,
      key: sql`varchar(200) character set utf8mb4 collate utf8mb4_bin`,
      word: sql`varchar(64) character set ascii collate ascii_bin`,
      text: sql`text character set utf8mb4 collate utf8mb4_bin`,
      bigText: sql`longtext character set utf8mb4 collate utf8mb4_bin`,
      // Not `json`: MariaDB has it as text, MySQL reorders keys; text is the same on both.
      json: sql`longtext character set utf8mb4 collate utf8mb4_bin`,
      epochMs: sql`bigint`,
      int: sql`integer`,
      bigInt: sql`bigint`,
      flag: sql`tinyint`,
      real: sql`double`,
      serial: sql`bigint auto_increment primary key`,
    },
  },
};
