import { z } from 'zod';
import { freeForm, wireJsonSchema } from '@dotmac/core/contract';
import type { PolicySet } from '../policies/policy-set.js';
import type { AnyMaintenanceTask } from './task.js';

/** The tasks, with what each takes. */
export const taskCatalogue = z
  .object({
    items: z.array(
      z.object({
        type: z.string(),
        name: z.string(),
        description: z.string(),
        scope: z.enum(['cluster', 'host', 'process']).describe('Whose things a run works on'),
        parameters: freeForm.describe('The JSON Schema of `parameters`'),
      }),
    ),
  })
  .meta({ id: 'MaintenanceTaskCatalogue' });

/** The policies that the tenant may run. No paths and no key patterns: they are the host's own affair. */
export const policyCatalogue = z
  .object({
    items: z.array(
      z.object({
        name: z.string(),
        kind: z.enum([
          'retention',
          'upkeep',
          'updates',
          'logs',
          'redis_cache',
          'memory_cache',
          'directory_cache',
          'directory',
          'backup',
        ]),
        subject: z.string().nullable().describe('The table, of a retention policy'),
        keepDays: z.number().nullable().describe('How long things are kept; null where the policy does not say'),
      }),
    ),
  })
  .meta({ id: 'MaintenancePolicyCatalogue' });

/** @see taskCatalogue */
export type TaskCatalogue = z.output<typeof taskCatalogue>;
/** @see policyCatalogue */
export type PolicyCatalogue = z.output<typeof policyCatalogue>;

/** Describes every task. */
export function catalogueOf(tasks: ReadonlyMap<string, AnyMaintenanceTask>): TaskCatalogue {
  const items = [...tasks.values()].map(({ type, name, description, scope, parameters }) => {
    return { type, name, description, scope, parameters: wireJsonSchema(parameters) };
  });
  return { items };
}

/** Describes every policy of a tenant. */
export function policyCatalogueOf(policies: PolicySet): PolicyCatalogue {
  const item = (kind: PolicyCatalogue['items'][number]['kind'], name: string, keepDays?: number, subject?: string) => {
    return { name, kind, subject: subject ?? null, keepDays: keepDays ?? null };
  };
  return {
    items: [
      ...policies.retention.map((it) => item('retention', it.name, it.retentionDays, it.table)),
      ...policies.logs.map((it) => item('logs', it.name, it.retentionDays)),
      ...policies.upkeep.map((it) => item('upkeep', it.name)),
      ...policies.updates.map((it) => item('updates', it.name)),
      ...policies.redisCaches.map((it) => item('redis_cache', it.name)),
      ...policies.memoryCaches.map((it) => item('memory_cache', it.name)),
      ...policies.directoryCaches.map((it) => item('directory_cache', it.name, it.maxAgeDays)),
      ...policies.directories.map((it) => item('directory', it.name, it.maxAgeDays)),
      ...policies.backups.map((it) => item('backup', it.name)),
    ],
  };
}
