import { Kysely, PostgresDialect } from 'kysely';
import { createPool } from 'mysql2';
import { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { fromKysely, mysql, postgres, sqlite, type Database, type Mysql2Pool } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';

const store = memoryMaintenanceStore();
const make = (database: Database) =>
  createMaintenance({ store, databases: { main: database }, upkeep: [{ name: 'all', database: 'main' }] });
// Nothing is there: none of them is ever connected.
const [postgresUrl, mysqlUrl] = ['postgres://127.0.0.1:1/none', 'mysql://127.0.0.1:1/none'];
const pg = (max: number) => new Pool({ connectionString: postgresUrl, max });
const mysql2 = (connectionLimit: number) => createPool({ uri: mysqlUrl, connectionLimit }) as unknown as Mysql2Pool;

describe('a database whose pool has one connection', () => {
  it.each<[string, () => Database]>([
    ['of PostgreSQL', () => postgres(postgresUrl, { poolSize: 1 })],
    ['of the host’s pg', () => postgres(pg(1))],
    ['of MySQL', () => mysql(mysqlUrl, { poolSize: 1 })],
    ['of the host’s mysql2', () => mysql(mysql2(1))],
  ])('%s is refused at the start: nothing that it runs could be cancelled', (_, database) => {
    expect(() => make(database())).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/^upkeep\.all\.database: .*one connection.*`poolSize`/),
      }),
    );
  });
});

describe('a database is taken', () => {
  it.each<[string, () => Database]>([
    ['when its pool has two connections', () => postgres(postgresUrl, { poolSize: 2 })],
    ['when the host’s pg has', () => postgres(pg(2))],
    ['when the host’s mysql2 has', () => mysql(mysql2(2))],
    ['when nobody says how many', () => fromKysely(hosted(), 'postgres')],
    ['when it is SQLite, whose statements end soon', () => sqlite(':memory:')],
  ])('%s', (_, database) => {
    expect(make(database()).name).toBe('maintenance');
  });
});

const hosted = (): Kysely<unknown> => new Kysely({ dialect: new PostgresDialect({ pool: pg(1) }) });
