import { freeForm, id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { openBlock } from '../customers/customer-record.js';
import { stage } from '../customers/stage.js';
import { lifecycleEvent } from '../customers/summary.js';
import { provisioning } from '../provisioning/run.js';
import { serviceRecord } from '../services/service-record.js';
import { timerView } from '../timers/view.js';
import { channel } from '../verification/channel.js';
import { deliveryView } from '../webhooks/delivery.js';
import { holdView } from './hold.js';

const blocks = z.array(openBlock);

/** The customer's own row. */
const customerLine = z.object({
  kind: z.literal('customer'),
  id,
  version: z.int(),
  stage,
  churningFrom: stage.nullable(),
  approval: z.string(),
  externalId: z.string().nullable(),
  username: z.string(),
  email: z.string(),
  firstName: z.string(),
  lastName: z.string(),
  userType: z.string(),
  phone: z.string().nullable(),
  registrationSource: z.string(),
  referralCode: z.string().nullable(),
  termsAcceptedAt: instant,
  marketingConsent: z.boolean(),
  attributes: freeForm,
  onboardingData: freeForm,
  blocks,
  emailVerifiedAt: instant.nullable(),
  phoneVerifiedAt: instant.nullable(),
  erasedAt: instant.nullable(),
  createdAt: instant,
  updatedAt: instant,
});

/** One line of what is held on a customer: what it is, by `kind`, and all of it. */
export const exportLine = z
  .discriminatedUnion('kind', [
    customerLine,
    z.object({ kind: z.literal('event'), seq: z.int(), ...lifecycleEvent.shape }),
    z.object({ kind: z.literal('service'), ...serviceRecord.shape }),
    z.object({
      kind: z.literal('run'),
      ...provisioning.shape,
      customConfig: freeForm,
      outputs: freeForm,
      requestedBy: z.string(),
    }),
    z.object({
      kind: z.literal('signal'),
      requestId: id,
      step: z.string(),
      saidBy: z.string(),
      said: z.string(),
      comment: z.string().nullable(),
      output: z.unknown(),
      at: instant,
    }),
    z.object({ kind: z.literal('timer'), ...timerView.shape }),
    z.object({
      kind: z.literal('dunning'),
      policy: z.string(),
      openedAt: instant,
      stepsTaken: z.int(),
      invoices: z.array(z.object({ invoiceId: z.string(), overdueSince: instant, facts: freeForm })),
    }),
    z.object({
      kind: z.literal('token'),
      channel,
      issuedAt: instant,
      expiresAt: instant,
      consumedAt: instant.nullable(),
      attempts: z.int(),
    }),
    z.object({ kind: z.literal('hold'), ...holdView.shape }),
    z.object({ kind: z.literal('webhook_delivery'), ...deliveryView.shape }),
    z.object({
      kind: z.literal('bulk_refusal'),
      operationId: id,
      command: z.string(),
      dryRun: z.boolean(),
      code: z.string(),
      message: z.string(),
      askedAt: instant,
    }),
    z.object({
      kind: z.literal('end'),
      lines: z.int().meta({ description: 'How many came before: an export without this line is not whole' }),
    }),
  ])
  .meta({ id: 'CustomerExportLine' });

/** @see exportLine */
export type ExportLine = z.output<typeof exportLine>;
