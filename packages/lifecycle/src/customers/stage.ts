import { z } from 'zod';

/** The stages of a customer's life. */
export const stages = [
  'registration',
  'verification',
  'onboarding',
  'active',
  'suspended',
  'churning',
  'inactive',
  'deleted',
] as const;

/** @see stages */
export const stage = z.enum(stages).meta({ id: 'LifecycleStage', description: 'Where in its life a customer is' });

/** @see stages */
export type Stage = (typeof stages)[number];

/** What a customer's access comes to. */
export const customerStatus = z
  .enum(['pending', 'active', 'suspended', 'inactive', 'deleted'])
  .meta({ id: 'CustomerStatus', description: 'What the stage means for access' });

/** @see customerStatus */
export type CustomerStatus = z.output<typeof customerStatus>;

/** The status that each stage comes to. */
export const statusOf: Record<Stage, CustomerStatus> = {
  registration: 'pending',
  verification: 'pending',
  onboarding: 'pending',
  active: 'active',
  suspended: 'suspended',
  churning: 'active',
  inactive: 'inactive',
  deleted: 'deleted',
};
