import { z } from 'zod';
import { freeForm, instant, page } from '@dotmac/core/contract';
import { taskPlan } from '../tasks/plan.js';

/** A plan as callers see it. */
export const maintenancePlan = z
  .object({
    id: z.string(),
    taskName: z.string().describe('The type of the task'),
    parameters: freeForm,
    plan: taskPlan,
    createdAt: instant,
    expiresAt: instant.describe('From then on it is not applied any more'),
    appliedBy: z.string().nullable().describe('The run that applies it'),
  })
  .meta({ id: 'MaintenancePlan' });

/** @see maintenancePlan */
export type MaintenancePlan = z.output<typeof maintenancePlan>;

/** A page of plans. */
export const planPage = page(maintenancePlan).meta({ id: 'MaintenancePlanPage' });
