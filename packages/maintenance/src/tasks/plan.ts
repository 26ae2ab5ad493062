import { createHash } from 'node:crypto';
import { z } from 'zod';

/** What a run would do with one part. */
export const plannedTarget = z
  .object({
    target: z.string().describe('As progress and log call it: `table:main.sessions`'),
    action: z.string().describe('For people: `delete`, `rotate`'),
    items: z.number().int().describe('Rows, files or keys that it is about'),
    exact: z.boolean().describe('Counted, not estimated'),
    total: z.number().int().nullable().describe('All items of the target, where that is known'),
    toSee: z
      .number()
      .int()
      .nullable()
      .describe(
        'As many are looked at for these, where that is what takes the time; null where the items themselves do',
      ),
    bytes: z
      .number()
      .int()
      .nullable()
      .describe('What would go, or be dumped, read or built, in bytes; null where nobody knows'),
    bytesFrom: z
      .enum(['measured', 'estimated', 'earlier_runs'])
      .nullable()
      .describe(
        'Read from the system; reckoned from statistics or a sample; or from what earlier runs gave back per item',
      ),
    strategy: z.string().describe('How it would be done, and why so'),
    sample: z.array(z.string()).describe('Some of the items, by key or name'),
    statements: z.array(z.object({ sql: z.string(), explain: z.array(z.string()) })),
    cascades: z
      .array(z.object({ target: z.string(), items: z.number().int() }))
      .describe('What goes with them, because it refers to them'),
    estimatedMs: z
      .number()
      .nullable()
      .describe(
        'How long the work may take, in milliseconds, without pauses under pressure; null when that is not known',
      ),
    estimatedFrom: z
      .enum(['earlier_runs', 'default_rate'])
      .nullable()
      .describe(
        'What earlier runs took per item (one to see, where it says so), or a rate that is usual, where there are none',
      ),
    fingerprint: z.string().describe('Of its configuration and schema: a plan is not applied when it has changed'),
  })
  .meta({ id: 'PlannedTarget' });

/** @see plannedTarget */
export type PlannedTarget = z.output<typeof plannedTarget>;

/** What a run would do. */
export const taskPlan = z
  .object({
    targets: z.array(plannedTarget),
    warnings: z.array(z.string()),
    failed: z
      .array(z.string())
      .optional()
      .describe('Policies of which nothing could be said: the first warnings, one of each in this order, say why'),
  })
  .meta({ id: 'MaintenanceTaskPlan' });

/** @see taskPlan */
export type TaskPlan = z.output<typeof taskPlan>;

/**
 * A target with what most of them have no more to say of.
 *
 * @example planned({ target: 'directory:uploads', action: 'delete', items: 12, strategy: 'by age' }, [policy, maxAgeDays])
 */
export function planned(
  target: Pick<PlannedTarget, 'target' | 'action' | 'items' | 'strategy'> & Partial<PlannedTarget>,
  configuration: unknown,
): PlannedTarget {
  const { bytes = null, estimatedMs = null } = target;
  return {
    bytesFrom: bytes === null ? null : 'measured',
    estimatedFrom: estimatedMs === null ? null : 'default_rate',
    exact: true,
    total: null,
    toSee: null,
    bytes: null,
    sample: [],
    statements: [],
    cascades: [],
    estimatedMs: null,
    fingerprint: fingerprintOf(configuration),
    ...target,
  };
}

/** A short hash of anything that JSON can hold. */
export function fingerprintOf(configuration: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(configuration) ?? '')
    .digest('base64url')
    .slice(0, 22);
}
