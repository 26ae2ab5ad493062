import { z } from 'zod';

/** How a check is made. */
export const consistencyQuery = z.object({
  repairSearch: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .meta({ description: 'Have customers be found by what they are, where they are not' }),
  repairServices: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .meta({ description: 'Have services follow their customer that were left behind' }),
});

/** A line of the report: a customer whose row is not what its history says, how far it is, or the end. */
export const consistencyLine = z
  .object({
    kind: z.enum(['difference', 'progress', 'done']),
    checked: z.int().meta({ description: 'Customers looked at so far' }),
    differing: z.int().meta({ description: 'Those of them that differ, and in the end histories without a customer' }),
    customerId: z.string().nullable(),
    differences: z.array(
      z.object({
        field: z.string().meta({
          description:
            '`history`: there are gaps; `customer`: there is a history and no customer; `search`: it is found by something ' +
            'else; `reason …`: what is open and why; `service …`: one of its services; `access …`: what one of them gives, ' +
            'with nothing under way that would change it to what it should',
        }),
        row: z.string(),
        history: z.string().meta({ description: 'What it should be' }),
      }),
    ),
  })
  .meta({ id: 'ConsistencyLine' });

/** @see consistencyLine */
export type ConsistencyLine = z.output<typeof consistencyLine>;

/** What of a customer's row is not what its history says. */
export type Difference = ConsistencyLine['differences'][number];
