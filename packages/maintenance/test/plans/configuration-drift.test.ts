import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { sqlite, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceOptions } from '../../src/index.js';
import { identityOf, nodesOf } from '../../src/caches/redis/nodes.js';
import { neverAborted } from '../support/clean.js';
import { logFolder, type LogFolder } from '../support/logs.js';
import { startNpmProject, type NpmProject } from '../support/npm-project.js';
import { startable, startRedis, type OwnServer } from '../support/own-servers.js';

type Policies = Omit<MaintenanceOptions, 'store'>;

/** A change that leaves all counts as they were: only the fingerprint can tell of it. */
interface Change {
  what: string;
  maintenanceType: string;
  parameters?: Record<string, unknown>;
  target: string;
  policies(changed: boolean): Policies;
  /** Of what the policies are about, where they stay as they are. */
  does?: string;
  undoes?: string;
}

const old = Date.now() - 100 * 86_400_000;
let folder: LogFolder;
let database: Database;
let project: NpmProject;
let [first, second]: OwnServer[] = [];
const clients: Redis[] = [];
const at = (name: string): string => join(folder.directory, name);
const ageBy = ['modification'] as const;
const redisOf = (server: OwnServer | undefined, db = 0): Redis => {
  const client = new Redis((server as OwnServer).port, { db });
  clients.push(client);
  return client;
};
const redisCache = (redis: () => Redis, more: object = {}): Policies => ({
  caches: [{ name: 'keys', pattern: 'demo:*', redis, ...more }],
});

beforeAll(async () => {
  folder = await logFolder();
  for (const name of ['logs', 'cache', 'uploads', 'kept', 'npm']) await mkdir(at(name), { mode: 0o700 });
  for (const name of ['logs/app.log', 'logs/app.log.1', 'cache/a', 'uploads/b']) {
    await writeFile(at(name), name.repeat(100));
    await utimes(at(name), old / 1_000, old / 1_000);
  }
  database = sqlite(at('app.db'));
  await sql`create table sessions (id integer primary key, at integer)`.execute(database.kysely);
  await sql`create index sessions_at on sessions (at)`.execute(database.kysely);
  const other = sqlite(at('other.db'));
  await sql`create table sessions (id integer primary key, at integer)`.execute(other.kysely);
  await other.close();
  project = await startNpmProject(at('npm'), { versions: { left: ['1.0.0', '1.0.1'] }, faulty: {} });
  [first, second] = [await startRedis([]), await startRedis([])];
  for (const [server, db] of [
    [first, 0],
    [first, 1],
    [second, 0],
  ] as const)
    await redisOf(server, db).set('demo:a', '1');
}, 120_000);
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await first?.stop();
  await second?.stop();
  await database.close();
  await project.stop();
  await folder.remove();
});

const changes: Change[] = [
  {
    what: 'how long rotated logs stay',
    maintenanceType: 'log_rotation',
    target: 'logs:app:rotate',
    policies: (changed) => ({
      logs: [
        {
          ...{ name: 'app', directory: at('logs'), naming: 'numbered', maxAgeDays: 1, reopen: () => {} },
          retentionDays: changed ? 31 : 30,
        },
      ],
    }),
  },
  {
    what: 'how rotated logs are named',
    maintenanceType: 'log_rotation',
    target: 'logs:app:rotate',
    policies: (changed) => ({
      logs: [
        {
          ...{ name: 'app', directory: at('logs'), maxAgeDays: 1 },
          naming: changed ? { format: '%Y-%m-%d' } : 'dated',
        },
      ],
    }),
  },
  {
    what: 'whose writer is told',
    maintenanceType: 'log_rotation',
    target: 'logs:app:rotate',
    policies: (changed) => ({
      logs: [
        {
          name: 'app',
          directory: at('logs'),
          maxAgeDays: 1,
          reopen: { pidFile: changed ? '/run/b.pid' : '/run/a.pid' },
        },
      ],
    }),
  },
  {
    what: 'how well rotated logs are compressed',
    maintenanceType: 'log_rotation',
    target: 'logs:app:rotate',
    policies: (changed) => ({
      logs: [{ name: 'app', directory: at('logs'), maxAgeDays: 1, compress: { level: changed ? 9 : 1 } }],
    }),
  },
  {
    what: 'the age of files in a directory',
    maintenanceType: 'disk_cleanup',
    target: 'directory:uploads',
    policies: (changed) => ({
      directories: [{ name: 'uploads', directory: at('uploads'), maxAgeDays: changed ? 2 : 1, ageBy }],
    }),
  },
  {
    what: 'the directory',
    maintenanceType: 'disk_cleanup',
    target: 'directory:uploads',
    policies: (changed) => ({
      directories: [{ name: 'uploads', directory: at(changed ? 'cache' : 'uploads'), maxAgeDays: 1, ageBy }],
    }),
  },
  {
    what: 'what a cache of files leaves out',
    maintenanceType: 'cache_cleanup',
    target: 'directory:pages',
    policies: (changed) => ({
      caches: [{ name: 'pages', directory: at('cache'), maxAgeDays: 1, ageBy, exclude: changed ? ['kept'] : [] }],
    }),
  },
  {
    what: 'what goes of a cache in memory',
    maintenanceType: 'cache_cleanup',
    target: 'memory:lru',
    policies: (changed) => ({
      caches: [
        {
          name: 'lru',
          memory: () => ({ size: 3, purgeStale: () => true, clear: () => undefined }),
          remove: changed ? 'all' : 'stale',
        },
      ],
    }),
  },
  {
    what: 'the least size of Redis keys',
    maintenanceType: 'cache_cleanup',
    target: 'redis:keys',
    policies: (changed) => redisCache(() => redisOf(first), { minBytes: changed ? 2 : 1 }),
  },
  {
    what: 'the pattern of Redis keys',
    maintenanceType: 'cache_cleanup',
    target: 'redis:keys',
    policies: (changed) => redisCache(() => redisOf(first), { pattern: changed ? 'demo:a*' : 'demo:*' }),
  },
  {
    what: 'the Redis server',
    maintenanceType: 'cache_cleanup',
    target: 'redis:keys',
    policies: (changed) => redisCache(() => redisOf(changed ? second : first)),
  },
  {
    what: 'the database of the Redis server',
    maintenanceType: 'cache_cleanup',
    target: 'redis:keys',
    policies: (changed) => redisCache(() => redisOf(first, changed ? 1 : 0), { action: 'expire' }),
  },
  {
    what: 'how a backup is compressed',
    maintenanceType: 'backup_management',
    target: 'backup:app',
    policies: (changed) => ({
      backups: [
        {
          ...{ name: 'app', url: `sqlite:${at('app.db')}`, directory: at('kept'), keep: { last: 2 } },
          compression: changed ? 'none' : 'gzip',
        },
      ],
    }),
  },
  {
    what: 'which database is backed up',
    maintenanceType: 'backup_management',
    target: 'backup:app',
    policies: (changed) => ({
      backups: [
        {
          ...{ name: 'app', directory: at('kept'), keep: { last: 2 } },
          url: `sqlite:${at(changed ? 'other.db' : 'app.db')}`,
        },
      ],
    }),
  },
  {
    what: 'which backups stay',
    maintenanceType: 'backup_management',
    target: 'prune:app',
    policies: (changed) => ({
      backups: [
        {
          ...{ name: 'app', url: `sqlite:${at('app.db')}`, directory: at('kept') },
          keep: { last: changed ? 9 : 8 },
        },
      ],
    }),
  },
  {
    what: 'the index that is to be built anew',
    maintenanceType: 'performance_optimization',
    parameters: { optimize_indexes: true },
    target: 'table:main.sessions',
    policies: () => ({
      databases: { main: database },
      retention: [{ name: 'sessions', database: 'main', table: 'sessions', timeColumn: 'at', retentionDays: 30 }],
    }),
    does: 'drop index sessions_at; create index sessions_by_at on sessions (at)',
    undoes: 'drop index sessions_by_at; create index sessions_at on sessions (at)',
  },
  {
    what: 'what may be applied of updates',
    maintenanceType: 'security_updates',
    target: 'packages:shop',
    policies: (changed) => ({
      updates: [
        { name: 'shop', manager: 'npm', directory: project.directory, apply: changed ? 'security' : 'nothing' },
      ],
    }),
  },
  {
    what: 'what every command of the package manager is given',
    maintenanceType: 'security_updates',
    target: 'packages:shop',
    policies: (changed) => ({
      updates: [
        { name: 'shop', manager: 'npm', directory: project.directory, options: changed ? ['--prefer-offline'] : [] },
      ],
    }),
  },
];

describe.skipIf(!startable.redis)(
  'a plan is not applied when there has changed (needs redis-server: npm run services)',
  () => {
    it.each(changes)(
      '$what ($maintenanceType)',
      async ({ maintenanceType, parameters = {}, target, policies, does, undoes }) => {
        const store = memoryMaintenanceStore();
        const plansOf = (changed: boolean) =>
          createMaintenance({ store, ...policies(changed) }).scope({ tenantId: 'acme' }).plans;
        const execute = async (statements = ''): Promise<void> => {
          for (const statement of statements.split('; ').filter(Boolean))
            await sql.raw(statement).execute(database.kysely);
        };
        const { id, plan } = await plansOf(false).create({ maintenanceType, parameters });
        expect(plan.targets.map((it) => it.target)).toContain(target);
        await execute(does);
        await expect(plansOf(true).apply(id)).rejects.toMatchObject({
          code: 'PLAN_DRIFTED',
          message: expect.stringContaining(
            `the configuration or schema of ${target} is not what it was, or another version of dotmac planned it`,
          ),
        });
        // As it was, it is applied.
        await execute(undoes);
        expect(await plansOf(false).apply(id)).toMatchObject({ status: 'completed' });
      },
      60_000,
    );

    it('tells servers apart as far as they may be asked', async () => {
      const admin = redisOf(first);
      await admin.acl('SETUSER', 'silent', 'on', '>secret', '~*', '+@all', '-info', '-client|info');
      const silent = new Redis((first as OwnServer).port, {
        username: 'silent',
        password: 'secret',
        enableReadyCheck: false,
      });
      clients.push(silent);
      const known = async (client: Redis) =>
        identityOf(await nodesOf(client, { clock: systemClock, signal: neverAborted }));
      expect(await known(silent)).toEqual(['', '']);
      expect(await known(admin)).toEqual(await known(redisOf(first)));
      expect(await known(admin)).not.toEqual(await known(redisOf(second)));
    });
  },
);
