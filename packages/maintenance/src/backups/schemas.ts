import { z } from 'zod';
import { instant, page, pageQueryOf } from '@dotmac/core/contract';

/** What ids of backups look like. */
export const backupIdPattern = /^\d{8}T\d{9}Z-[0-9a-f]{8}$/;

/** The query of the list of backups. */
export const backupsQuery = pageQueryOf(backupIdPattern).extend({
  policy: z.string().min(1).max(64).optional().describe('Backups of this policy alone'),
  state: z.enum(['unverified', 'verified', 'broken']).optional().describe('Backups in this state alone'),
});

/** A backup as it is shown. */
export const backupView = z
  .object({
    id: z.string().describe('Sorts by the time it was taken at'),
    policy: z.string(),
    databaseKind: z.enum(['sqlite', 'postgres', 'mysql']),
    takenAt: instant,
    durationSeconds: z.number(),
    bytes: z.number().int().describe('What its file takes'),
    contentBytes: z.number().int().describe('Before compression'),
    compression: z.enum(['gzip', 'zstd', 'none']),
    sha256: z.string().describe('Of its file'),
    tables: z.number().int(),
    rows: z.number().int().nullable().describe('In all tables, as of its instant; null when they were not counted'),
    state: z
      .enum(['unverified', 'verified', 'broken'])
      .describe('verified: it was restored elsewhere, and had the tables and rows that were dumped'),
    verifiedAt: instant.nullable().describe('When that was last so'),
    fault: z.string().nullable().describe('Why the last verification did not succeed'),
    kept: z.boolean().describe('False: the next run that takes a verified backup removes it'),
    reasons: z.array(z.string()).describe('Why it stays, or goes'),
  })
  .meta({ id: 'MaintenanceBackup' });

/** @see backupView */
export type BackupView = z.output<typeof backupView>;

const keepCount = z.union([z.number().int().min(0), z.literal('all')]);

/** The rules by which backups stay, as far as a policy has them. */
export const keepRules = z.object({
  last: keepCount.optional(),
  hourly: keepCount.optional(),
  daily: keepCount.optional(),
  weekly: keepCount.optional(),
  monthly: keepCount.optional(),
  yearly: keepCount.optional(),
  within: z.string().optional().describe('All within the span, counted back from the newest, e.g. `2y5m7d3h`'),
  withinHourly: z.string().optional().describe('The newest of each hour within the span; and so on'),
  withinDaily: z.string().optional(),
  withinWeekly: z.string().optional(),
  withinMonthly: z.string().optional(),
  withinYearly: z.string().optional(),
});

/** A page of backups. */
export const backupPage = page(backupView).meta({ id: 'MaintenanceBackupPage' });
