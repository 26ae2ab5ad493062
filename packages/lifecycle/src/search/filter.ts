import { instant, invalidInput, printable } from '@dotmac/core/contract';
import type { z } from 'zod';
import { registration } from '../customers/customer.js';
import { stage, type Stage } from '../customers/stage.js';
import { writtenInstant } from '../written-instant.js';
import { attributeTerm, longestTerm, noTerm, termText, type SearchTerm } from './terms.js';

/** Which customers are meant, in lists and in operations on many: all of whom every one of these is true. */
export const filterFields = {
  search: printable.trim().min(1).max(100).optional().meta({
    description:
      'The beginning of a username, an email address, a last name, or a first name with the last one after it, in any case',
  }),
  stage: stage.optional().meta({ description: 'Those in this stage' }),
  userType: registration.shape.userType.optional().meta({ description: 'Those of this class' }),
  externalId: printable.max(200).optional().meta({ description: 'The host’s own id of the customer' }),
  reason: printable.max(50).optional().meta({ description: 'An open reason, e.g. `non_payment`' }),
  attribute: printable
    .max(200)
    .regex(/^[^:]+:[^]+$/, 'Write key:value')
    .optional()
    .meta({ description: '`key:value` of an attribute that the host made searchable' }),
  createdFrom: instant.optional().meta({ description: 'At this instant or later' }),
  createdTo: instant.optional().meta({ description: 'Before this instant' }),
  updatedFrom: instant.optional().meta({ description: 'At this instant or later' }),
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

/** The term of a filter's `key:value`; undefined when it is longer than what customers are found by. */
function termOf(attribute: string): SearchTerm | undefined {
  const [key = ''] = attribute.split(':', 1);
  return attributeTerm(key, attribute.slice(key.length + 1));
}

/** @throws INVALID_INPUT for an attribute that the host has not made searchable, and for a value that nobody is found by */
export function checkFilter(
  { searchableAttributes }: { searchableAttributes: readonly string[] },
  { attribute }: CustomerFilter,
  path = 'attribute',
): void {
  if (attribute === undefined) return;
  if (!searchableAttributes.includes(attribute.split(':', 1)[0] ?? ''))
    throw invalidInput([{ path, message: 'This attribute is not searchable' }]);
  if (!termOf(attribute))
    throw invalidInput([{ path, message: `Nobody is found by more than ${longestTerm} characters` }]);
}

/** What a filter that was checked asks the store for. */
export function conditionsOf({ search, reason, attribute, ...columns }: CustomerFilter): CustomerConditions {
  return {
    ...columns,
    prefix: search === undefined ? undefined : termText(search),
    terms: [
      ...(reason === undefined ? [] : [{ kind: 'reason', term: reason } as const]),
      ...(attribute === undefined ? [] : [termOf(attribute) ?? noTerm]),
    ],
  };
}
