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
    bytes: z.number().int().nullable().describe('What they take, where that is known'),
    strategy: z.string().describe('How it would be done, and why so'),
    sample: z.array(z.string()).describe('Some of the items, by key or name'),
    statements: z.array(z.object({ sql: z.string(), explain: z.array(z.string()) })),
    cascades: z
      .array(z.object({ target: z.string(), items: z.number().int() }))
      .describe('What goes with them, because it refers to them'),
    estimatedMs: z
      .number()
      .nullable()
      .describe('How long it may take, in milliseconds, by what earlier runs measured; null when that is not known'),
    fingerprint: z.string().describe('Of its configuration and schema: a plan is not applied when it has changed'),
  })
  .meta({ id: 'PlannedTarget' });

/** @see plannedTarget */
export type PlannedTarget = z.output<typeof plannedTarget>;

/** What a run would do. */
export const taskPlan = z
  .object({ targets: z.array(plannedTarget), warnings: z.array(z.string()) })
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
  return {
    exact: true,
    total: null,
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
