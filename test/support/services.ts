import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';

const { env } = process;
/** The PostgreSQL that tests use; they make databases of their own in it. */
export const postgresUrl = env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';
const mysqlUrl = env['MYSQL_URL'] ?? 'mysql://root@127.0.0.1:3306/test';
const [mysqlDump, mysqlRestore] = [env['MYSQL_DUMP'], env['MYSQL_RESTORE']];
/** The programs that back up the database of `MYSQL_URL`, where others than those that are found by themselves are to do it. */
export const mysqlPrograms = {
  ...(mysqlDump !== undefined && { dump: mysqlDump }),
  ...(mysqlRestore !== undefined && { restore: mysqlRestore }),
};

/** The Redis that tests use. They keep to keys under their own {@link redisPrefix}. */
export const redisUrl = env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';

/** The Docker engine that tests use. */
export const dockerSocket = env['DOTMAC_TEST_DOCKER_SOCKET'] ?? '/tmp/dotmac-docker/docker.sock';

const answers = (url: string, defaultPort: number): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) || defaultPort, timeout: 15_000 });
    const settle = (present: boolean): void => {
      socket.destroy();
      resolve(present);
    };
    socket
      .on('connect', () => settle(true))
      .on('error', () => settle(false))
      .on('timeout', () => settle(false));
  });

/** Whether a program is there for tests to start, each with a port and a folder of its own. */
const installed = (program: string): boolean =>
  [...(env['PATH'] ?? '').split(':'), '/usr/sbin'].some((folder) => existsSync(join(folder, program)));

const [postgres, mysql, redis] = await Promise.all([
  answers(postgresUrl, 5432),
  answers(mysqlUrl, 3306),
  answers(redisUrl, 6379),
]);

/** Whether a process can have a network of its own, with counters on what leaves it: root, on Linux. */
const namespaces = ['iptables-save', 'ip6tables-save'].every(
  (program) => spawnSync('unshare', ['--net', '--mount', program], { stdio: 'ignore' }).status === 0,
);

/** Which services are running, and which daemons are installed. Tests that need another are skipped by name; with `CI=true` its absence fails the run. */
export const available = {
  postgres,
  mysql,
  redis,
  docker: existsSync(dockerSocket),
  snmpd: installed('snmpd'),
  freeradius: installed('freeradius'),
  postgresClient: installed('pg_dump'),
  mysqlClient: installed('mariadb-dump'),
  namespaces,
};

/** Fails with `CI=true` when something is missing that tests are skipped without. */
export function needed(found: Readonly<Record<string, boolean>>): void {
  const missing = Object.entries(found)
    .filter(([, present]) => !present)
    .map(([name]) => name);
  if (env['CI'] === 'true' && missing.length > 0)
    throw new Error(
      `Not running: ${missing.join(', ')}. Start them with \`npm run services\` or \`docker compose up -d\`.`,
    );
}
needed(available);

const unique = (): string => `dotmac_test_${process.pid}_${randomBytes(4).toString('hex')}`;

/** A database of a test's own. */
export interface FreshDatabase {
  url: string;
  drop(): Promise<void>;
}

/** Makes a PostgreSQL database. */
export async function freshPostgres(): Promise<FreshDatabase> {
  const name = unique();
  const ask = async (statement: string): Promise<void> => {
    const client = new Client({ connectionString: postgresUrl });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await ask(`create database ${name} template template0`);
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  // Of itself PostgreSQL waits five seconds for those who are just leaving; only who stays on is thrown out.
  const drop = (): Promise<void> =>
    ask(`drop database if exists ${name}`).catch(() => ask(`drop database if exists ${name} with (force)`));
  return { url: url.href, drop };
}

/** Makes a MariaDB or MySQL database. */
export async function freshMysql(): Promise<FreshDatabase> {
  const name = unique();
  const ask = async (statement: string): Promise<void> => {
    const connection = await createConnection(mysqlUrl);
    await connection.query(statement).finally(() => connection.end());
  };
  await ask(`create database ${name} character set utf8mb4`);
  const url = new URL(mysqlUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => ask(`drop database if exists ${name}`) };
}

/** A prefix for Redis keys that no other test uses. */
export function redisPrefix(): string {
  return `${unique()}:`;
}
