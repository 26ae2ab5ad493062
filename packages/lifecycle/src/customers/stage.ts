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

/** A stage, with what its meaning depends on. */
export interface Whereabouts {
  stage: Stage;
  /** The stage in which it was marked as churning. Null: it is not churning. */
  churningFrom: Stage | null;
}

/** Which stage a customer is churning from once it is in a stage. */
export function churningFromIn(to: Stage, { stage, churningFrom }: Whereabouts): Stage | null {
  if (to !== 'churning') return null;
  return stage === 'churning' ? churningFrom : stage;
}

/**
 * Is a customer churning that had yet to become active, for the first time or again? Where a churning one does not know, a
 * version marked it to which that was legal in `active` alone.
 */
export function churnsBeforeActive({ stage, churningFrom }: Whereabouts): boolean {
  return stage === 'churning' && churningFrom !== null && churningFrom !== 'active';
}

const statuses: Record<Stage, CustomerStatus> = {
  registration: 'pending',
  verification: 'pending',
  onboarding: 'pending',
  active: 'active',
  suspended: 'suspended',
  churning: 'active',
  inactive: 'inactive',
  deleted: 'deleted',
};

/** What a customer's stage comes to for access: who churns before it was active is served no more than before. */
export function statusOf(customer: Whereabouts): CustomerStatus {
  return churnsBeforeActive(customer) ? 'pending' : statuses[customer.stage];
}
