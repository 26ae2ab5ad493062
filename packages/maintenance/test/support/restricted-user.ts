import { sql } from 'kysely';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';

/** A user of a test's own, who may do nothing at first. */
export interface RestrictedUser {
  /** As statements write it. */
  name: string;
  database: Database;
  /** A table as the server names it to whom it denies it: MariaDB with its schema, the others without. */
  denied(table: string): string;
  grant(...what: string[]): Promise<void>;
  drop(): Promise<void>;
}

/**
 * Makes one for the database of that URL, whose name no other test has.
 * @param owner who may make users
 */
export async function restrictedUser(owner: Database, url: string): Promise<RestrictedUser> {
  const own = new URL(url);
  own.username = `${own.pathname.slice(1)}_u`.replace('dotmac_test', 'dm');
  const isMysql = owner.dialect === 'mysql';
  const name = isMysql ? `'${own.username}'@'%'` : own.username;
  const run = (text: string) => sql.raw(text).execute(owner.kysely);
  if (isMysql) own.password = 'of-the-test-alone';
  await run(isMysql ? `create user ${name} identified by '${own.password}'` : `create role ${name} login`);
  const database = databaseFromUrl(own.href);
  const { rows } = await sql<{ version: string }>`select version() as version`.execute(owner.kysely);
  const schema = /mariadb/i.test(rows[0]?.version ?? '') ? `${own.pathname.slice(1)}.` : '';
  return {
    name,
    database,
    denied: (table) => `${schema}${table}`,
    async grant(...what) {
      for (const it of what) await run(`grant ${it} to ${name}`);
    },
    async drop() {
      await database.close();
      if (!isMysql) await run(`drop owned by ${name}`);
      await run(isMysql ? `drop user ${name}` : `drop role ${name}`);
    },
  };
}
