import { isOfFew, type BulkOperation, type BulkView } from '../bulk/operation.js';
import type { CommandInput } from '../commands/input.js';
import type { Customer } from '../customers/customer.js';
import { conditionsOf } from '../search/filter.js';
import { termsOf, termText } from '../search/terms.js';
import { erasedActor, nameOfErased, type OwnNames } from './personal.js';

/**
 * An operation on many that is over and looked for the customer, or lists it, without what it looked for and what it said;
 * undefined: it looked for others, or meant so many that its words are no one's own. What is left of its filter means
 * nobody else.
 */
export function erasedOperation(
  operation: BulkOperation,
  customer: Customer,
  names: OwnNames,
): BulkOperation | undefined {
  if (!isOfFew(operation)) return undefined;
  const { filter, input, createdBy } = operation;
  const { search, externalId, attribute } = filter;
  const key = attribute?.split(':', 1)[0] ?? '';
  const { prefix, terms } = conditionsOf({ search, attribute });
  const own = termsOf(customer, [key]);
  const ownNames = [...own.map(({ kind, term }) => (kind === 'name' ? term : '')), ...[...names].map(termText)];
  const gone = nameOfErased(customer.id);
  const erased = {
    ...(prefix !== undefined && ownNames.some((name) => name.startsWith(prefix)) && { search: gone }),
    ...(externalId !== undefined && externalId === customer.externalId && { externalId: gone }),
    ...(terms.some(({ term }) => own.some((it) => it.kind === 'attribute' && it.term === term)) && {
      attribute: `${key}:${gone}`,
    }),
  };
  // Of those that list customers only those are brought here that list this one.
  if (Object.keys(erased).length === 0 && !filter.listed) return undefined;
  return {
    ...operation,
    filter: { ...filter, ...erased },
    input: wordless(input),
    createdBy: erasedActor(createdBy, names),
  };
}

/** What was answered under a key of an operation that is left so by now. The key stays taken: it is not begun again. */
export function erasedAnswer(answer: string, { filter, input, createdBy }: BulkOperation): string {
  return JSON.stringify({ ...(JSON.parse(answer) as BulkView), filter, input, createdBy } satisfies BulkView);
}

const blank = { reason: null, reference: null, parameters: {}, onboardingData: {}, customConfig: {} } as const;

function wordless(input: CommandInput): CommandInput {
  return { ...input, ...Object.fromEntries(Object.entries(blank).filter(([key]) => key in input)) };
}
