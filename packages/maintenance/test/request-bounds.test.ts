import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, describe, expect, it } from 'vitest';
import { wireName } from '@dotmac/core/contract';
import { sqlite } from '@dotmac/core/kysely';
import {
  createMaintenance,
  dotmacRetention,
  memoryMaintenanceStore,
  type DirectoryPolicy,
  type LogPolicy,
  type MaintenanceOptions,
  type RetentionPolicy,
} from '../src/index.js';

const root = await mkdtemp(join(tmpdir(), 'dotmac-bounds-'));
await mkdir(join(root, 'files'));
const database = sqlite(':memory:');
await sql`create table events (id integer primary key, at bigint)`.execute(database.kysely);
afterAll(async () => {
  await database.close();
  await rm(root, { recursive: true });
});

const retention = (more: Partial<RetentionPolicy>): Partial<MaintenanceOptions> => {
  const table = { database: 'main', table: 'events', timeColumn: 'at', allowFullScan: true };
  return { databases: { main: database }, retention: [{ name: 'it', ...table, retentionDays: 30, ...more }] };
};
const files = <Policy>(more: Policy) => [{ name: 'it', directory: join(root, 'files'), ...more }];
const logs = (more: Partial<LogPolicy>): Partial<MaintenanceOptions> => ({ logs: files(more) });
const caches = (more: Partial<DirectoryPolicy>): Partial<MaintenanceOptions> => ({ caches: files(more) });
const directories = (more: Partial<DirectoryPolicy>): Partial<MaintenanceOptions> => ({ directories: files(more) });

interface Bound {
  task: string;
  parameter: string;
  /** What the host says, without and with leave to go further. */
  host: Partial<MaintenanceOptions>;
  lenient: Partial<MaintenanceOptions>;
  /** The field by which it gives that leave. */
  option: string;
  /** Beyond what the leave allows; just what it allows; what the policy says (null: nothing), and more careful than that. */
  values: [beyond: number, leave: number, own: number | null, careful: number | null];
}

const usual = { parameter: 'maxAgeDays', option: 'requestLimits.maxAgeDays' };
const bounds: Record<string, Bound> = {
  'rows by age': {
    task: 'database_cleanup',
    parameter: 'retentionDays',
    host: retention({}),
    lenient: retention({ minRetentionDays: 7 }),
    option: 'minRetentionDays',
    values: [6.9, 7, 30, 31],
  },
  'cached files by age': {
    ...{ task: 'cache_cleanup', ...usual },
    host: caches({ maxAgeDays: 7 }),
    lenient: caches({ maxAgeDays: 7, requestLimits: { maxAgeDays: 0.5 } }),
    values: [0.4, 0.5, 7, 8],
  },
  'cached files by age, which go for room alone': {
    ...{ task: 'cache_cleanup', ...usual },
    host: caches({ maxSizeMb: 10 }),
    lenient: caches({ maxSizeMb: 10, requestLimits: { maxAgeDays: 3 } }),
    values: [2, 3, null, null],
  },
  'files by age': {
    ...{ task: 'disk_cleanup', ...usual },
    host: directories({ maxAgeDays: 7 }),
    lenient: directories({ maxAgeDays: 7, requestLimits: { maxAgeDays: 0 } }),
    values: [-1, 0, 7, 36_500],
  },
  'files by what they take': {
    task: 'disk_cleanup',
    parameter: 'maxSizeMb',
    host: directories({ maxSizeMb: 100 }),
    lenient: directories({ maxSizeMb: 100, requestLimits: { maxSizeMb: 20 } }),
    option: 'requestLimits.maxSizeMb',
    values: [19, 20, 100, 101],
  },
  'files by what they take, which go by age alone': {
    task: 'disk_cleanup',
    parameter: 'maxSizeMb',
    host: directories({ maxAgeDays: 7 }),
    lenient: directories({ maxAgeDays: 7, requestLimits: { maxSizeMb: 20 } }),
    option: 'requestLimits.maxSizeMb',
    values: [19, 20, null, null],
  },
  'files for free room': {
    task: 'disk_cleanup',
    parameter: 'minFreePercent',
    host: directories({ minFreePercent: 15 }),
    lenient: directories({ minFreePercent: 15, requestLimits: { minFreePercent: 40 } }),
    option: 'requestLimits.minFreePercent',
    values: [41, 40, 15, 0],
  },
  'files for free room, which go by age alone': {
    task: 'disk_cleanup',
    parameter: 'minFreePercent',
    host: directories({ maxAgeDays: 7 }),
    lenient: directories({ maxAgeDays: 7, requestLimits: { minFreePercent: 40 } }),
    option: 'requestLimits.minFreePercent',
    values: [41, 40, 0, 0],
  },
  'logs by size, of which so many are kept': {
    task: 'log_rotation',
    parameter: 'maxSizeMb',
    host: logs({ maxSizeMb: 5, keepFiles: 3 }),
    lenient: logs({ maxSizeMb: 5, keepFiles: 3, requestLimits: { maxSizeMb: 1 } }),
    option: 'requestLimits.maxSizeMb',
    values: [0.5, 1, 5, 6],
  },
  'logs by size, whose room is bounded': {
    task: 'log_rotation',
    parameter: 'maxSizeMb',
    host: logs({ maxTotalMb: 50 }),
    lenient: logs({ maxTotalMb: 50, requestLimits: { maxSizeMb: 1 } }),
    option: 'requestLimits.maxSizeMb',
    values: [0.5, 1, 10, 11],
  },
  'logs by size, that are copied by the calendar': {
    task: 'log_rotation',
    parameter: 'maxSizeMb',
    host: logs({ every: 'day', method: 'copytruncate' }),
    lenient: logs({ every: 'day', method: 'copytruncate', requestLimits: { maxSizeMb: 1 } }),
    option: 'requestLimits.maxSizeMb',
    values: [0.5, 1, null, null],
  },
  'logs by age, which go for room': {
    ...{ task: 'log_rotation', ...usual },
    host: logs({ minFreePercent: 10 }),
    lenient: logs({ minFreePercent: 10, requestLimits: { maxAgeDays: 2 } }),
    values: [1, 2, 30, 31],
  },
};

/** Parameters that take nothing away that a policy keeps. */
const free: Record<string, string> = {
  policies: 'chooses among what the host registered',
  dryRun: 'changes nothing',
  ...{ maxRuntimeSeconds: 'a budget', maxItems: 'a budget', maxBatches: 'a budget' },
  'database_cleanup.vacuumAnalyze': 'no row goes by it',
  'log_rotation.compressOldLogs': 'no line goes by it',
  'cache_cleanup.redisCleanup': 'false leaves them out',
  'cache_cleanup.tiers': 'chooses among what the host registered',
  'backup_management.action': 'verify removes nothing',
  'backup_management.prune': 'false removes nothing; what true removes, the keep rules say',
  'performance_optimization.analyzeQueries': 'looks',
  'performance_optimization.updateStatistics': 'no row goes by it',
  'performance_optimization.optimizeIndexes': 'no row goes by it',
  'performance_optimization.checkIntegrity': 'looks',
  'performance_optimization.apply': 'refused unless a policy allows it',
  'security_updates.apply': 'refused unless a policy allows it',
  'system_monitoring.minFreePercent': 'when to warn',
  'system_monitoring.fullWithinDays': 'when to warn',
  'system_monitoring.maxLoadPerProcessor': 'when to warn',
  'maintenance_digest.days': 'how far to look back',
};

const scopeOf = (options: Partial<MaintenanceOptions>) =>
  createMaintenance({ store: memoryMaintenanceStore(), ...options }).scope({ tenantId: 'acme' });
const cron = '0 3 * * *';

describe('a request', () => {
  for (const [what, { task, parameter, host, lenient, option, values }] of Object.entries(bounds)) {
    const [beyond, leave, own, careful] = values;
    const name = wireName(parameter);
    const sent = (value: number, at = '') => ({
      code: 'POLICY_UNDERCUT',
      kind: 'invalid',
      message: expect.stringContaining(`${name} is ${value}; the policy it `) as string,
      issues: [{ path: at + name, message: expect.stringContaining(`by its ${option}`) as string }],
    });

    it(`is refused when it takes ${what} less carefully than the policy, before anything begins`, async () => {
      const scope = scopeOf(host);
      const request = { maintenanceType: task, parameters: { [name]: leave } };
      const refused = sent(leave, 'parameters.');
      await expect(scope.runs.execute(request)).rejects.toMatchObject(refused);
      await expect(scope.runs.begin(request)).rejects.toMatchObject(refused);
      await expect(scope.runs.execute({ ...request, parameters: { [name]: leave, dry_run: true } })).rejects.toThrow();
      await expect(scope.plans.create(request)).rejects.toMatchObject(refused);
      await expect(scope.schedules.create({ name: 'mine', cron, ...request })).rejects.toMatchObject(refused);
      await expect(scope.runs.run(task, { [parameter]: leave })).rejects.toMatchObject(sent(leave));
      expect((await scope.runs.list({ limit: 10 })).items).toEqual([]);
      expect((await scope.plans.list({ limit: 10 })).items).toEqual([]);
      expect((await scope.schedules.list()).items).toEqual([]);
      const schedules = [{ name: 'coded', task, cron, tenantId: 'acme', parameters: { [parameter]: leave } }];
      expect(() => scopeOf({ ...host, schedules })).toThrow(option);
    });

    it(`may take ${what} as carefully as the policy, and more so, and as the host gives leave`, async () => {
      const tried = async (options: Partial<MaintenanceOptions>, value: number) => {
        const schedules = [{ name: 'coded', task, cron, tenantId: 'acme', parameters: { [parameter]: value } }];
        const scope = scopeOf({ ...options, schedules });
        const request = { maintenanceType: task, parameters: { [name]: value } };
        expect(await scope.runs.execute(request)).toMatchObject({ status: 'completed' });
        expect(await scope.plans.create(request)).toMatchObject({ taskName: task });
        expect(await scope.schedules.create({ name: 'mine', cron, ...request })).toMatchObject({ name: 'mine' });
      };
      for (const value of [own, careful]) if (value !== null) await tried(host, value);
      await tried(lenient, leave);
      const tooFar = { maintenanceType: task, parameters: { [name]: beyond } };
      const code = beyond < 0 ? 'INVALID_INPUT' : 'POLICY_UNDERCUT';
      await expect(scopeOf(lenient).runs.execute(tooFar)).rejects.toMatchObject({ code });
    });
  }

  it('may rotate logs early where nothing is lost by that', async () => {
    const scope = scopeOf(logs({ retentionDays: 90 }));
    expect(await scope.runs.run('log_rotation', { maxSizeMb: 0.001, maxAgeDays: 0 })).toMatchObject({
      status: 'completed',
    });
  });

  it('is judged by the policies that it names, and told of each that it undercuts', async () => {
    const policy = { directory: join(root, 'files') };
    const scope = scopeOf({
      directories: [
        { ...policy, name: 'short', maxAgeDays: 1 },
        { ...policy, name: 'long', maxAgeDays: 90 },
        { ...policy, name: 'theirs', maxAgeDays: 90, tenants: ['other'] },
        { ...policy, name: 'room', maxSizeMb: 10 },
      ],
    });
    const clean = (parameters: object) => scope.runs.run('disk_cleanup', parameters);
    expect(await clean({ policies: ['short'], maxAgeDays: 30 })).toMatchObject({ status: 'completed' });
    await expect(clean({ maxAgeDays: 30, maxSizeMb: 5 })).rejects.toMatchObject({
      issues: [
        { path: 'max_age_days', message: expect.stringContaining('policy long takes 90 or more') as string },
        { path: 'max_age_days', message: expect.stringContaining('policy room does not go by it') as string },
        { path: 'max_size_mb', message: expect.stringContaining('policy short') as string },
        { path: 'max_size_mb', message: expect.stringContaining('policy long') as string },
        { path: 'max_size_mb', message: expect.stringContaining('policy room takes 10 or more') as string },
      ],
    });
  });

  it('has no parameter of which nobody has thought', () => {
    const known = new Set([
      ...Object.keys(free),
      ...Object.values(bounds).map(({ task, parameter }) => `${task}.${parameter}`),
    ]);
    const names = new Set([...known].map(wireName));
    const all = scopeOf({})
      .catalogue.tasks()
      .items.flatMap(({ type, parameters }) =>
        Object.keys(parameters['properties'] as object).map((name) => [name, `${type}.${name}`] as const),
      );
    expect(all.filter(([name, full]) => !names.has(name) && !names.has(full))).toEqual([]);
  });
});

it('is refused by a plan’s application and a schedule that are older than a stricter policy', async () => {
  const store = memoryMaintenanceStore();
  const lenient = createMaintenance({ store, ...retention({ minRetentionDays: 7 }) }).scope({ tenantId: 'acme' });
  const request = { maintenanceType: 'database_cleanup', parameters: { retention_days: 7 } };
  const plan = await lenient.plans.create(request);
  await lenient.schedules.create({ name: 'mine', cron, ...request });
  const strict = createMaintenance({ store, ...retention({}) }).scope({ tenantId: 'acme' });
  await expect(strict.plans.apply(plan.id)).rejects.toMatchObject({ code: 'POLICY_UNDERCUT' });
  await expect(strict.schedules.run('mine')).rejects.toMatchObject({ code: 'POLICY_UNDERCUT' });
  await expect(strict.schedules.update('mine', { cron: '0 4 * * *' })).rejects.toMatchObject({
    code: 'POLICY_UNDERCUT',
  });
});

describe('a leave that is not one', () => {
  const refused: [string, Partial<MaintenanceOptions>, field: string][] = [
    ['more days than the policy keeps', retention({ minRetentionDays: 31 }), 'retention.it.minRetentionDays'],
    [
      'fewer days for a policy that keeps its own',
      retention({ minRetentionDays: 7, keepsOwnDays: true }),
      'retention.it.minRetentionDays',
    ],
    ['no number', retention({ minRetentionDays: NaN }), 'retention.it.minRetentionDays'],
    ['files older than those that go', directories({ requestLimits: { maxAgeDays: 8 } }), 'requestLimits.maxAgeDays'],
    ['less room than negative', directories({ requestLimits: { maxSizeMb: -1 } }), 'requestLimits.maxSizeMb'],
    [
      'less free room than the policy makes',
      directories({ minFreePercent: 20, requestLimits: { minFreePercent: 10 } }),
      'requestLimits.minFreePercent',
    ],
    ['a whole disk', caches({ requestLimits: { minFreePercent: 91 } }), 'requestLimits.minFreePercent'],
    ['larger logs', logs({ keepFiles: 1, requestLimits: { maxSizeMb: 11 } }), 'requestLimits.maxSizeMb'],
  ];
  it.each(refused)('is refused at the start: %s', (_, options, field) => {
    expect(() => scopeOf(options)).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(field) as string }),
    );
  });

  it('is refused of dotmac’s own tables, which requests may cut only as the host says', () => {
    const own = { database: 'main', tenants: ['operator'] };
    const floors = (more: object) => dotmacRetention({ ...own, ...more }).map((it) => it.minRetentionDays);
    expect(floors({ runDays: 400 })).toEqual(Array(6).fill(undefined));
    expect(floors({ minRetentionDays: 14 })).toEqual([undefined, 14, 14, 14, 14, undefined]);
    for (const days of [{ runDays: 6 }, { minRetentionDays: 6 }])
      expect(() => floors(days)).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
