import { freeForm, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { customerListItem, listed } from '../search/query.js';
import { blockSeverity, type Block, type Customer } from './customer.js';
import { stage } from './stage.js';

/** An open reason, with all that was said of it. */
export const openBlock = z
  .object({
    reason: z.string(),
    severity: blockSeverity,
    promisedUntil: instant.nullable().meta({ description: 'Until then it is without effect' }),
    note: z.string().nullable().meta({ description: 'In the words of who opened it' }),
    parameters: freeForm.meta({ description: 'Facts that it was opened with' }),
    openedAt: instant,
    openedBy: z.string(),
  })
  .meta({ id: 'OpenReason' });

/** All that is kept of a customer, save for what proves an address. */
export const customerRecord = z
  .object({
    ...customerListItem.shape,
    version: z.int().meta({ description: 'The number of its events so far' }),
    churningFrom: stage.nullable().meta({ description: 'Of a churning one: the stage in which it was marked so' }),
    registrationSource: z.string(),
    referralCode: z.string().nullable(),
    termsAcceptedAt: instant,
    marketingConsent: z.boolean(),
    attributes: freeForm,
    onboardingData: freeForm.meta({ description: 'What it gave while it was onboarded' }),
    blocks: z.array(openBlock).meta({ description: 'The open reasons, oldest first' }),
    emailVerifiedAt: instant.nullable(),
    phoneVerifiedAt: instant.nullable(),
    erasedAt: instant.nullable().meta({ description: 'When everything personal was taken away' }),
  })
  .meta({ id: 'CustomerRecord' });

/** @see customerRecord */
export type CustomerRecord = z.output<typeof customerRecord>;

/** Open reasons as they are shown whole. */
export function shownBlocks(blocks: readonly Block[]): z.output<typeof openBlock>[] {
  return blocks.map((block) => ({ ...block }));
}

/** A customer as it is shown whole. */
export function recordOf(customer: Customer): CustomerRecord {
  const { version, churningFrom, registrationSource, referralCode, termsAcceptedAt, marketingConsent } = customer;
  const { attributes, onboardingData, blocks, emailVerifiedAt, phoneVerifiedAt, erasedAt } = customer;
  return {
    ...listed(customer),
    version,
    churningFrom,
    registrationSource,
    referralCode,
    termsAcceptedAt,
    marketingConsent,
    attributes,
    onboardingData,
    blocks: shownBlocks(blocks),
    emailVerifiedAt,
    phoneVerifiedAt,
    erasedAt,
  };
}
