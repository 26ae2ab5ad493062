import type { Customer } from '../../src/customers/customer.js';
import { stages, type Stage, type Whereabouts } from '../../src/customers/stage.js';
import type { Command } from '../../src/customers/transitions.js';

/** No guard minds this one: it has a reason open, for which payment is promised, and a telephone verified. */
export const willing: Customer = {
  id: 'c',
  tenantId: 't',
  version: 1,
  stage: 'registration',
  churningFrom: null,
  approval: 'approved',
  externalId: null,
  username: 'u',
  email: 'e',
  firstName: 'f',
  lastName: 'l',
  userType: 'x',
  phone: null,
  registrationSource: 'api',
  referralCode: null,
  termsAcceptedAt: 0,
  marketingConsent: false,
  attributes: {},
  onboardingData: {},
  blocks: [
    {
      reason: 'late',
      severity: 'throttle',
      promisedUntil: 5,
      note: null,
      parameters: {},
      openedAt: 0,
      openedBy: 'user:1',
    },
  ],
  emailVerifiedAt: null,
  phoneVerifiedAt: 1,
  erasedAt: null,
  createdAt: 0,
  updatedAt: 0,
};

/** Where a customer can be: the stages, and that of who churns before it was active by itself. */
export const places = [...stages, 'churning before active'] as const;

/** @see places */
export type Place = (typeof places)[number];

/** What is kept of a customer who is in a place. */
export function whereabouts(place: Place): Whereabouts {
  if (place === 'churning before active') return { stage: 'churning', churningFrom: 'onboarding' };
  return { stage: place, churningFrom: place === 'churning' ? 'active' : null };
}

/** What the table must say, written the other way round: by command, the places it is legal in and where it leads. */
export const expected: Record<Command, Partial<Record<Place, Stage>>> = {
  approve: { registration: 'registration', inactive: 'inactive' },
  reject: { registration: 'inactive', inactive: 'inactive' },
  verify: {
    registration: 'verification',
    verification: 'verification',
    onboarding: 'onboarding',
    active: 'active',
    suspended: 'suspended',
    churning: 'churning',
    'churning before active': 'churning',
    inactive: 'inactive',
  },
  startOnboarding: { verification: 'onboarding', 'churning before active': 'onboarding' },
  progressOnboarding: { onboarding: 'onboarding' },
  completeOnboarding: { onboarding: 'active' },
  requestService: { active: 'active' },
  suspend: { active: 'suspended', suspended: 'suspended', churning: 'suspended' },
  throttle: { active: 'active', suspended: 'suspended' },
  reactivate: {
    onboarding: 'onboarding',
    active: 'active',
    suspended: 'active',
    churning: 'churning',
    'churning before active': 'churning',
    inactive: 'inactive',
    deleted: 'deleted',
  },
  promise: { active: 'active', suspended: 'active' },
  endPromise: {
    onboarding: 'onboarding',
    active: 'active',
    suspended: 'suspended',
    churning: 'churning',
    'churning before active': 'churning',
    inactive: 'inactive',
    deleted: 'deleted',
  },
  markChurning: { verification: 'churning', onboarding: 'churning', active: 'churning' },
  winBack: { churning: 'active', 'churning before active': 'onboarding', inactive: 'onboarding' },
  restore: { deleted: 'inactive' },
  erase: { inactive: 'deleted', deleted: 'deleted' },
  deactivate: {
    verification: 'inactive',
    onboarding: 'inactive',
    active: 'inactive',
    suspended: 'inactive',
    churning: 'inactive',
    'churning before active': 'inactive',
  },
  delete: {
    registration: 'deleted',
    verification: 'deleted',
    onboarding: 'deleted',
    active: 'deleted',
    suspended: 'deleted',
    churning: 'deleted',
    'churning before active': 'deleted',
    inactive: 'deleted',
  },
};
