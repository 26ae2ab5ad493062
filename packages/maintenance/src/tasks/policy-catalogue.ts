import { z } from 'zod';
import { wireName } from '@dotmac/core/contract';
import type { Database } from '@dotmac/core/kysely';
import type { CheckedBackup } from '../backups/policy.js';
import { keepRules } from '../backups/schemas.js';
import { rowDialect } from '../databases/row-dialects.js';
import { tableLabel } from '../databases/rows/due.js';
import type { CheckedLog } from '../policies/check-log.js';
import type { CheckedRetention, PolicySet } from '../policies/policy-set.js';
import type { Fencing } from '../store/fencing.js';
import type { CacheTier } from './cache-cleanup.schema.js';
import { requestLimitsOf } from './request-bounds.js';

/** The task that works on the policies of a kind. */
const taskOf = {
  retention: 'database_cleanup',
  upkeep: 'performance_optimization',
  updates: 'security_updates',
  logs: 'log_rotation',
  redis_cache: 'cache_cleanup',
  memory_cache: 'cache_cleanup',
  directory_cache: 'cache_cleanup',
  directory: 'disk_cleanup',
  backup: 'backup_management',
} as const;

type Kind = keyof typeof taskOf;

const tierOf: Partial<Record<Kind, CacheTier>> = {
  redis_cache: 'redis',
  memory_cache: 'memory',
  directory_cache: 'files',
};

/** The policies that the tenant may run. No paths, key patterns, conditions and addresses: they are the host's own affair. */
export const policyCatalogue = z
  .object({
    items: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(Object.keys(taskOf) as [Kind, ...Kind[]]),
        task: z.string().describe('The type of the task that works on it'),
        subject: z.string().nullable().describe('The table, of a retention policy'),
        keepDays: z.number().nullable().describe('How long things are kept; null where the policy does not say'),
        retention: z
          .object({
            database: z.string().describe('As the host calls it'),
            timeColumn: z.string(),
            conditional: z.boolean().describe('Only rows go for which a condition of the host’s holds'),
            keepNewest: z
              .object({ count: z.number().int(), per: z.string().nullable() })
              .nullable()
              .describe('So many stay however old they are, of the table or of each value of a column'),
            archive: z
              .object({ to: z.enum(['table', 'files']), table: z.string().nullable() })
              .nullable()
              .describe('Where rows are kept before they go'),
            maxShare: z.number().describe('More of the table than this in one run waits for a confirmation'),
            fencing: z
              .enum(['transaction', 'time', 'process'])
              .describe(
                'What keeps a run that was held up from deleting once another has taken over: its lease is looked at in the transaction of each batch; only before it, for it is in another database, or a partition may go, which MySQL and MariaDB commit by itself, and lasts longer than that takes; or it binds this process alone',
              ),
          })
          .nullable()
          .describe('Null of other kinds'),
        rotation: z
          .object({
            keepFiles: z.number().int().nullable().describe('So many rotated files of each log stay; null: all'),
            maxTotalMb: z.number().nullable().describe('They may take so much together, the oldest go; null: any'),
            minFreePercent: z.number().describe('The oldest go until the disk has so much left'),
          })
          .nullable()
          .describe('What stays of rotated logs, besides for their age; null of other kinds'),
        backups: z
          .object({
            keep: keepRules.describe('A backup stays when any rule keeps it; the newest verified one always does'),
            timeZone: z.string().describe('Whose hours, days, weeks, months and years the rules count'),
          })
          .nullable()
          .describe('Which backups stay; null of other kinds'),
        limits: z
          .array(
            z.object({
              parameter: z.string(),
              careful: z.enum(['more', 'less']).describe('Which of these lets more stay, and is always taken'),
              limit: z.number().nullable().describe('The least careful that is taken; null: it is not taken at all'),
            }),
          )
          .describe('What requests may say for it, at most'),
        schedules: z.array(z.string()).describe('Those of the tenant that use it, paused ones too'),
      }),
    ),
  })
  .meta({ id: 'MaintenancePolicyCatalogue' });

/** @see policyCatalogue */
export type PolicyCatalogue = z.output<typeof policyCatalogue>;
type Item = PolicyCatalogue['items'][number];

/** A schedule of the tenant's, as far as it matters to policies. */
export interface PolicyUser {
  name: string;
  task: { type: string };
  parameters: unknown;
}

/** Describes every policy of a tenant. */
export function policyCatalogueOf(
  policies: PolicySet,
  schedules: readonly PolicyUser[],
  fencing: (database: Database) => Fencing,
): PolicyCatalogue {
  const item = (kind: Kind, name: string, more: Partial<Item> = {}): Item => ({
    ...{ name, kind, task: taskOf[kind], subject: null, keepDays: null, retention: null },
    ...{ rotation: null, backups: null },
    limits: requestLimitsOf(taskOf[kind], policies, name).map(({ parameter, careful, limit }) => {
      return { parameter: wireName(parameter), careful, limit: Number.isFinite(limit) ? limit : null };
    }),
    schedules: schedules.filter((it) => uses(it, kind, name)).map((it) => it.name),
    ...more,
  });
  const keeps = (days: number | undefined) => ({ keepDays: days ?? null });
  return {
    items: [
      ...policies.retention.map((it) =>
        item('retention', it.name, {
          ...keeps(it.retentionDays),
          subject: it.table,
          retention: { ...retentionOf(it), fencing: fencingOf(it, fencing(it.on)) },
        }),
      ),
      ...policies.logs.map((it) => item('logs', it.name, { ...keeps(it.retentionDays), rotation: rotationOf(it) })),
      ...policies.upkeep.map((it) => item('upkeep', it.name)),
      ...policies.updates.map((it) => item('updates', it.name)),
      ...policies.redisCaches.map((it) => item('redis_cache', it.name)),
      ...policies.memoryCaches.map((it) => item('memory_cache', it.name)),
      ...policies.directoryCaches.map((it) => item('directory_cache', it.name, keeps(it.maxAgeDays))),
      ...policies.directories.map((it) => item('directory', it.name, keeps(it.maxAgeDays))),
      ...policies.backups.map((it) => item('backup', it.name, { backups: backupsOf(it) })),
    ],
  };
}

/** By what parameters choose among policies. */
interface Chosen {
  policies?: readonly string[];
  redisCleanup?: boolean;
  tiers?: readonly CacheTier[];
}

function uses({ task, parameters }: PolicyUser, kind: Kind, name: string): boolean {
  const { policies, redisCleanup, tiers } = parameters as Chosen;
  if (task.type !== taskOf[kind] || (kind === 'redis_cache' && redisCleanup === false)) return false;
  const tier = tierOf[kind];
  if (tier && tiers && !tiers.includes(tier)) return false;
  return policies === undefined || policies.includes(name);
}

function retentionOf({ database, timeColumn, where, keepNewest, archive, maxShare }: CheckedRetention) {
  const archived = archive && ('directory' in archive ? null : tableLabel(archive));
  return {
    ...{ database, timeColumn, maxShare },
    conditional: where !== undefined,
    keepNewest: keepNewest ? { count: keepNewest.count, per: keepNewest.per ?? null } : null,
    archive: archived === undefined ? null : { to: archived === null ? 'files' : 'table', table: archived },
  } satisfies Omit<NonNullable<Item['retention']>, 'fencing'>;
}

/** Whole partitions may go of what nothing narrows and nothing archives. */
function fencingOf({ on, where, keepNewest, archive }: CheckedRetention, within: Fencing): Fencing {
  const mayDrop = where === undefined && keepNewest === undefined && archive === undefined;
  return within === 'transaction' && mayDrop && !rowDialect(on).dropsInTransaction ? 'time' : within;
}

function rotationOf({ keepFiles, maxTotalMb, minFreePercent }: CheckedLog) {
  return { keepFiles: keepFiles ?? null, maxTotalMb: maxTotalMb ?? null, minFreePercent } satisfies Item['rotation'];
}

function backupsOf({ keep, timeZone }: CheckedBackup) {
  return { keep, timeZone } satisfies Item['backups'];
}
