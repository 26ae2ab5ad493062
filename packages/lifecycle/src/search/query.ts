import { id, instant, page, pageQuery, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import type { Customer } from '../customers/customer.js';
import { stage, customerStatus, statusOf } from '../customers/stage.js';
import { filterFields, type FilterInstants } from './filter.js';

/** Which customers are listed, and in which order. */
export const customerListQuery = z.object({
  ...pageQuery.shape,
  // Holds the name that was found, which is 150 characters at most, of up to three bytes each.
  cursor: printable.max(1_000).optional().meta({ description: 'The `next_cursor` of the page before' }),
  ...filterFields,
  search: filterFields.search.meta({
    description: `${filterFields.search.description}. What was found is in the order of what matched`,
  }),
  sort: z
    .enum(['created', 'updated'])
    .optional()
    .meta({ description: 'Default: `created`, or `updated` where that is asked for' }),
  order: z.enum(['asc', 'desc']).optional().meta({ description: 'Default: `desc`, and `asc` with `search`' }),
});

/** What customers are asked for by, as code writes it: instants are epoch ms. */
export type CustomerListDraft = Omit<z.input<typeof customerListQuery>, keyof FilterInstants | 'limit'> &
  FilterInstants & { limit?: number | undefined };

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

/** A customer as it is shown in lists. */
export function listed(customer: Customer): CustomerListItem {
  const { id, externalId, username, email, firstName, lastName, phone, userType } = customer;
  const { stage: lifecycleStage, approval, blocks, createdAt, updatedAt } = customer;
  const openReasons = blocks.map(({ reason }) => reason);
  return {
    id,
    externalId,
    username,
    email,
    firstName,
    lastName,
    phone,
    userType,
    status: statusOf(customer),
    lifecycleStage,
    approval,
    openReasons,
    createdAt,
    updatedAt,
  };
}
