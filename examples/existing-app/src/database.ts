import { Kysely, PostgresDialect, sql, type ColumnType, type Generated } from 'kysely';
import { Pool, type PoolConfig } from 'pg';

/** The tables that this application has had all along. */
export interface AppTables {
  users: {
    id: Generated<string>;
    email: string;
    name: string;
    password_hash: string;
    is_staff: Generated<boolean>;
    created_at: Generated<Date>;
  };
  sessions: { token_hash: string; user_id: string; expires_at: Date };
  /** What is to be looked at, and when (epoch ms). */
  wakeups: { key: string; due_at: ColumnType<string, string | number> };
}

/** The application's own connection pool and query builder. */
export function openDatabase(url: string, options: PoolConfig = {}): Kysely<AppTables> {
  const pool = new Pool({ connectionString: url, ...options });
  // Without a listener the end of an idle connection, when the database restarts, would be the end of the process.
  pool.on('error', (error) => console.error('an idle database connection broke', error));
  return new Kysely<AppTables>({ dialect: new PostgresDialect({ pool }) });
}

/** The application's own migrations; dotmac's tables come beside these, by its own. */
export async function prepareDatabase(database: Kysely<AppTables>): Promise<void> {
  await sql`create table if not exists users (
    id uuid primary key default gen_random_uuid(), email text not null unique, name text not null,
    password_hash text not null, is_staff boolean not null default false, created_at timestamptz not null default now()
  )`.execute(database);
  await sql`create table if not exists sessions (
    token_hash text primary key, user_id uuid not null references users on delete cascade, expires_at timestamptz not null
  )`.execute(database);
  await sql`create table if not exists wakeups (key text primary key, due_at bigint not null)`.execute(database);
}
