import { id, instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import { facts } from './facts.js';
import { customerStatus, stage, type Whereabouts } from './stage.js';

/** A part of a person’s name. */
export const personName = printable.trim().min(1).max(100);
const accepted = z.literal(true, 'This must be accepted to register');

/** What registering takes. */
export const registration = z
  .object({
    username: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[^\s\p{C}]+$/u, 'Spaces and control characters are not allowed')
      .meta({ description: 'Unique in the tenant, whatever its case', examples: ['neo'] }),
    email: z
      .email()
      .max(254)
      .meta({ description: 'Unique in the tenant, whatever its case', examples: ['neo@example.com'] }),
    firstName: personName.meta({ examples: ['Thomas'] }),
    lastName: personName.meta({ examples: ['Anderson'] }),
    userType: z
      .string()
      .min(1)
      .max(50)
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]*$/, 'Letters, digits, "_", ".", ":" and "-" only')
      .meta({ description: 'A class of customers of your own', examples: ['residential', 'business'] }),
    phone: z
      .string()
      .max(32)
      .regex(/^\+?[0-9](?:[0-9 ()./-]*[0-9])$/, 'Give a telephone number, e.g. +4930901820')
      .nullish()
      .transform((value) => value ?? undefined)
      .meta({ examples: ['+4930901820'] }),
    externalId: printable
      .trim()
      .min(1)
      .max(200)
      .nullish()
      .transform((value) => value ?? undefined)
      .meta({
        description: 'The id that your own application has for this customer; unique in the tenant',
        examples: ['user-42'],
      }),
    requiresApproval: z
      .boolean()
      .default(false)
      .meta({ description: 'Somebody must approve before verification, and before tokens are sent' }),
    registrationSource: printable.min(1).max(50).default('api'),
    referralCode: printable
      .min(1)
      .max(100)
      .nullish()
      .transform((value) => value ?? undefined),
    termsAccepted: accepted.default(true),
    privacyPolicyAccepted: accepted.default(true),
    marketingConsent: z.boolean().default(false),
    attributes: facts.default({}).meta({ description: 'Facts of your own; the keys are kept as they are' }),
  })
  .meta({ id: 'CustomerRegistration' });

/** @see registration */
export type Registration = z.output<typeof registration>;
/** {@link Registration} as a caller writes it, defaults left out. */
export type RegistrationDraft = z.input<typeof registration>;

/** How hard a reason hits: what services are to do about it. */
export const blockSeverity = z
  .enum(['throttle', 'suspend'])
  .meta({ id: 'BlockSeverity', description: 'Whether services are slowed down or stopped' });

/** @see blockSeverity */
export type BlockSeverity = z.output<typeof blockSeverity>;

/** Why a customer is suspended. A customer has at most one of each reason. */
export interface Block {
  /** The class of the reason, e.g. `non_payment`. */
  reason: string;
  /** `throttle` leaves the customer its stage, and has its services slowed down. */
  severity: BlockSeverity;
  /** Until when payment is promised: so long the reason stays open without effect. Null: nothing is promised. */
  promisedUntil: number | null;
  /** In somebody's own words. */
  note: string | null;
  parameters: Record<string, unknown>;
  openedAt: number;
  openedBy: string;
}

/** Whether somebody had to let a customer in, and did. */
export type Approval = 'not_required' | 'pending' | 'approved' | 'rejected';

/** A customer as it is kept. Times are epoch ms. */
export interface Customer extends Whereabouts {
  id: string;
  tenantId: string;
  /** The number of events so far; each event takes the next one. */
  version: number;
  approval: Approval;
  /** The host's own id of this customer, e.g. of its row in the host's table of users. Unique in the tenant. */
  externalId: string | null;
  username: string;
  email: string;
  firstName: string;
  lastName: string;
  userType: string;
  phone: string | null;
  registrationSource: string;
  referralCode: string | null;
  /** When terms and privacy policy were accepted. */
  termsAcceptedAt: number;
  marketingConsent: boolean;
  attributes: Record<string, unknown>;
  onboardingData: Record<string, unknown>;
  /** The open reasons of a suspension, oldest first. */
  blocks: readonly Block[];
  emailVerifiedAt: number | null;
  phoneVerifiedAt: number | null;
  /** When everything personal was taken away. */
  erasedAt: number | null;
  createdAt: number;
  updatedAt: number;
}

/** What linking takes. */
export const linkInput = z
  .object({
    externalId: printable
      .trim()
      .min(1)
      .max(200)
      .nullable()
      .meta({ description: 'Your own id of this customer; null: none any more', examples: ['user-42'] }),
  })
  .meta({ id: 'CustomerLink' });

/** @see linkInput */
export type LinkDraft = z.input<typeof linkInput>;

/** What a customer may do next. */
export const nextAction = z
  .object({ action: z.string().meta({ examples: ['verify_email'] }), message: z.string() })
  .meta({ id: 'NextAction' });

/** @see nextAction */
export type NextAction = z.output<typeof nextAction>;

/** A customer's place in its life, as every command answers it. */
export const customerView = z
  .object({
    id,
    userId: id.meta({ description: 'The same as `id`' }),
    externalId: z.string().nullable().meta({ description: 'Your own id of this customer' }),
    status: customerStatus,
    lifecycleStage: stage,
    nextActions: z.array(nextAction),
    timestamp: instant.meta({ description: 'When this was answered' }),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'CustomerLifecycle' });

/** @see customerView */
export type CustomerView = z.output<typeof customerView>;
