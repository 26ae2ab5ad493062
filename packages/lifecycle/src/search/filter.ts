import { instant, invalidInput, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import type { LifecycleContext } from '../context.js';
import { stage, type Stage } from '../customers/stage.js';
import { writtenInstant } from '../written-instant.js';
import { attributeTerm, termText, type SearchTerm } from './terms.js';

/** Which customers are meant, in lists and in operations on many: all of whom every one of these is true. */
export const filterFields = {
  search: printable.trim().min(1).max(100).optional().meta({
    description:
      'The beginning of a username, an email address, a last name, or a first name with the last one after it, in any case',
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
};

const filterInstants = ['createdFrom', 'createdTo', 'updatedFrom', 'updatedTo'] as const;

/** Instants of a filter, as code writes them: epoch ms. */
export type FilterInstants = { [Name in (typeof filterInstants)[number]]?: number | undefined };

/** A filter, as it is read. */
export type CustomerFilter = Partial<z.output<z.ZodObject<typeof filterFields>>>;

/** What a filter asks the store for. */
export interface CustomerConditions extends FilterInstants {
  stage?: Stage | undefined;
  userType?: string | undefined;
  externalId?: string | undefined;
  /** Each of these is a term of the customer's. */
  terms: readonly SearchTerm[];
  /** The beginning of a term of the kind `name`. */
  prefix?: string | undefined;
}

/** The filter of code as its schema reads it. */
export function writtenFilter<Filter extends FilterInstants>(filter: Filter) {
  const instants = filterInstants.flatMap((name) => {
    const at = filter[name];
    return at === undefined ? [] : [[name, writtenInstant(at)] as const];
  });
  return { ...filter, ...Object.fromEntries(instants) };
}

/** @throws INVALID_INPUT for an attribute that the host has not made searchable */
export function checkFilter(
  { searchableAttributes }: Pick<LifecycleContext, 'searchableAttributes'>,
  { attribute }: CustomerFilter,
  path = 'attribute',
): void {
  if (attribute !== undefined && !searchableAttributes.includes(attribute.split(':', 1)[0] ?? ''))
    throw invalidInput([{ path, message: 'This attribute is not searchable' }]);
}

/** What a filter that was checked asks the store for. */
export function conditionsOf({ search, reason, attribute, ...columns }: CustomerFilter): CustomerConditions {
  const [key = '', value] =
    attribute === undefined ? [] : [attribute.split(':', 1)[0], attribute.replace(/^[^:]+:/, '')];
  const byAttribute = attribute === undefined ? undefined : attributeTerm(key, value);
  return {
    ...columns,
    prefix: search === undefined ? undefined : termText(search),
    terms: [
      ...(reason === undefined ? [] : [{ kind: 'reason', term: reason } as const]),
      ...(byAttribute ? [byAttribute] : []),
    ],
  };
}
