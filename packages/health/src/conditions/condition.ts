import { printable } from '@dotmac/core/contract';
import { z } from 'zod';
import { readPath } from './path.js';

const scalar = z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]);

/** Comparisons that need a list, a number or text, or nothing at all as their value; the others take any scalar. */
const operators = z.enum([
  'eq',
  'ne',
  'lt',
  'lte',
  'gt',
  'gte',
  'in',
  'not_in',
  'contains',
  'not_contains',
  'starts_with',
  'ends_with',
  'like',
  'not_like',
  'exists',
  'missing',
]);

/** @see condition */
export type Operator = z.output<typeof operators>;

const texts = z.string().max(200);
const valueOf: Partial<Record<Operator, { schema: z.ZodType; wanted: string }>> = {
  lt: { schema: z.number(), wanted: 'a number' },
  lte: { schema: z.number(), wanted: 'a number' },
  gt: { schema: z.number(), wanted: 'a number' },
  gte: { schema: z.number(), wanted: 'a number' },
  in: { schema: z.array(scalar).min(1), wanted: 'a list' },
  not_in: { schema: z.array(scalar).min(1), wanted: 'a list' },
  starts_with: { schema: texts, wanted: 'text of at most 200 characters' },
  ends_with: { schema: texts, wanted: 'text of at most 200 characters' },
  like: { schema: texts, wanted: 'a pattern of at most 200 characters' },
  not_like: { schema: texts, wanted: 'a pattern of at most 200 characters' },
  exists: { schema: z.undefined(), wanted: 'no value' },
  missing: { schema: z.undefined(), wanted: 'no value' },
};
const anyScalar = { schema: scalar, wanted: 'text, a number, true, false or null' };

/**
 * Something that must hold for an answer: `{ on: 'body.items[0].name', op: 'eq', value: 'x' }`. `on` is a path into
 * what the probe found out; `latency` (seconds) is always there. Numbers in text compare as numbers. What is not there
 * fulfils no condition but `missing`. `like` knows `*`; there are no regular expressions.
 */
export const condition = z
  .object({
    on: printable
      .min(1)
      .max(200)
      .refine(
        (path) => readPath(path) !== undefined,
        'Give a path such as status, headers.server or body.items[0].name',
      )
      .meta({ description: 'A path into what the probe found out', examples: ['status', 'body.items[0].name'] }),
    op: operators,
    value: z.union([scalar, z.array(scalar).max(50)]).optional(),
    severity: z
      .enum(['critical', 'degraded'])
      .default('critical')
      .meta({ description: 'What the endpoint is when this does not hold' }),
  })
  .superRefine(({ op, value }, context) => {
    const { schema, wanted } = valueOf[op] ?? anyScalar;
    if (!schema.safeParse(value).success)
      context.addIssue({ code: 'custom', path: ['value'], message: `${op} takes ${wanted}` });
  })
  .meta({ id: 'Condition' });

/** @see condition */
export type Condition = z.output<typeof condition>;
