import { isOfFew, type BulkOperation, type BulkView, type OperationWords } from '../bulk/operation.js';
import type { CommandInput } from '../commands/input.js';
import { conditionsOf } from '../search/filter.js';
import type { TermKind } from '../search/terms.js';
import type { KnownBy } from './known-by.js';
import { erasedActor, nameOfErased } from './personal.js';

/**
 * The words of an operation on many that lists the customer, or looked for it by what it is known by or was, without what
 * it looked for and what it said; undefined: it looked for others, or meant so many that its words are no one's own. What
 * is left of its filter means nobody else.
 */
export function erasedOperation(
  operation: BulkOperation,
  customerId: string,
  known: KnownBy,
): OperationWords | undefined {
  if (!isOfFew(operation)) return undefined;
  const { filter } = operation;
  const { search, externalId, attribute } = filter;
  const key = attribute?.split(':', 1)[0] ?? '';
  const { prefix, terms } = conditionsOf({ search, attribute });
  const own = (kind: TermKind, fits: (term: string) => boolean): boolean =>
    known.terms.some((it) => it.kind === kind && fits(it.term));
  const gone = nameOfErased(customerId);
  const erased = {
    ...(prefix !== undefined && own('name', (term) => term.startsWith(prefix)) && { search: gone }),
    ...(externalId !== undefined && known.externalIds.has(externalId) && { externalId: gone }),
    ...(terms.some(({ term }) => own('attribute', (it) => it === term)) && { attribute: `${key}:${gone}` }),
  };
  // Of those that list customers only those are brought here that list this one.
  if (Object.keys(erased).length === 0 && !filter.listed) return undefined;
  // Of one that goes on others may have been erased before: what it looks for stays until it is over.
  const left: OperationWords = operation.erased ?? operation;
  return {
    filter: { ...left.filter, ...erased },
    input: wordless(left.input),
    createdBy: erasedActor(left.createdBy, known.names),
  };
}

/** What was answered under a key of an operation that is left so by now. The key stays taken: it is not begun again. */
export function erasedAnswer(answer: string, { filter, input, createdBy }: OperationWords): string {
  return JSON.stringify({ ...(JSON.parse(answer) as BulkView), filter, input, createdBy } satisfies BulkView);
}

const blank = { reason: null, reference: null, parameters: {}, onboardingData: {}, customConfig: {} } as const;

function wordless(input: CommandInput): CommandInput {
  return { ...input, ...Object.fromEntries(Object.entries(blank).filter(([key]) => key in input)) };
}
