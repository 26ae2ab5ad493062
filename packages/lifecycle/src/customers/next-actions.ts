import type { ChecklistItem } from '../onboarding/checklist.js';
import { missingItems } from '../onboarding/checklist.js';
import type { Customer, CustomerView, NextAction } from './customer.js';
import { churnsBeforeActive, statusOf, type Stage } from './stage.js';

type Suggest = (customer: Customer, checklist: readonly ChecklistItem[]) => NextAction[];

const verifyEmail = { action: 'verify_email', message: 'Enter the token that was sent to the email address.' };
const verifyPhone = { action: 'verify_phone', message: 'Enter the code that was sent to the telephone.' };

const openChannels: Suggest = ({ phone, phoneVerifiedAt, emailVerifiedAt }) => [
  ...(emailVerifiedAt === null ? [verifyEmail] : []),
  ...(phone !== null && phoneVerifiedAt === null ? [verifyPhone] : []),
];

const startOnboarding = { action: 'start_onboarding', message: 'Onboard the customer.' };

const waitForApproval = { action: 'wait_for_approval', message: 'Somebody has to approve this registration first.' };

const suggestions: Record<Stage, Suggest> = {
  registration: (customer, checklist) =>
    customer.approval === 'pending' ? [waitForApproval] : openChannels(customer, checklist),
  verification: () => [startOnboarding],
  onboarding: (customer, checklist) => [
    ...missingItems(checklist, customer).map(({ key, message }) => ({ action: key, message })),
    { action: 'complete_onboarding', message: 'Onboard the customer again when everything is done.' },
  ],
  active: () => [{ action: 'request_service', message: 'Request a service.' }],
  suspended: ({ blocks }) =>
    blocks.map(({ reason }) => ({ action: 'resolve_suspension', message: `Resolve the reason "${reason}".` })),
  churning: (customer) => (churnsBeforeActive(customer) ? [startOnboarding] : []),
  // It was deleted, and restored, before anybody approved it.
  inactive: ({ approval }) => (approval === 'pending' ? [waitForApproval] : []),
  deleted: () => [],
};

/** A customer as commands answer it. */
export function viewOf(customer: Customer, checklist: readonly ChecklistItem[], now: number): CustomerView {
  const { id, externalId, stage, createdAt, updatedAt } = customer;
  return {
    id,
    userId: id,
    externalId,
    status: statusOf(customer),
    lifecycleStage: stage,
    nextActions: suggestions[stage](customer, checklist),
    timestamp: now,
    createdAt,
    updatedAt,
  };
}
