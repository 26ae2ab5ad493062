import { id, instant, page, pageQuery, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import { stage, customerStatus } from '../customers/stage.js';

/** Which customers are listed, and in which order. */
export const customerListQuery = z.object({
  ...pageQuery.shape,
  search: printable
    .trim()
    .min(1)
    .max(100)
    .optional()
    .meta({
      description:
        'The beginning of a username, an email address, a last name, or a first name with the last one after it, in any ' +
        'case. What was found is in the order of what matched',
    }),
  stage: stage.optional(),
  userType: z.string().max(50).optional(),
  externalId: z.string().max(200).optional().meta({ description: 'The host’s own id of the customer' }),
  reason: z.string().max(50).optional().meta({ description: 'An open reason, e.g. `non_payment`' }),
  attribute: z
    .string()
    .max(200)
    .regex(/^[^:]+:[^]+$/, 'Write key:value')
    .optional()
    .meta({ description: '`key:value` of an attribute that the host made searchable' }),
  createdFrom: instant.optional(),
  createdTo: instant.optional().meta({ description: 'Before this instant' }),
  updatedFrom: instant.optional(),
  updatedTo: instant.optional().meta({ description: 'Before this instant' }),
  sort: z
    .enum(['created', 'updated'])
    .optional()
    .meta({ description: 'Default: `created`, or `updated` where that is asked for' }),
  order: z.enum(['asc', 'desc']).optional().meta({ description: 'Default: `desc`, and `asc` with `search`' }),
});

/** What customers are asked for by, as code writes it: instants are epoch ms. */
export type CustomerListDraft = Omit<
  z.input<typeof customerListQuery>,
  'createdFrom' | 'createdTo' | 'updatedFrom' | 'updatedTo' | 'limit'
> & {
  limit?: number | undefined;
  createdFrom?: number | undefined;
  createdTo?: number | undefined;
  updatedFrom?: number | undefined;
  updatedTo?: number | undefined;
};

/** A customer, as it is shown in lists. */
export const customerListItem = z
  .object({
    id,
    externalId: z.string().nullable(),
    username: z.string(),
    email: z.string(),
    firstName: z.string(),
    lastName: z.string(),
    phone: z.string().nullable(),
    userType: z.string(),
    status: customerStatus,
    lifecycleStage: stage,
    approval: z.enum(['not_required', 'pending', 'approved', 'rejected']),
    openReasons: z.array(z.string()),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'CustomerListItem' });

/** @see customerListItem */
export type CustomerListItem = z.output<typeof customerListItem>;

/** A page of customers. */
export const customerPage = page(customerListItem).meta({ id: 'CustomerPage' });
