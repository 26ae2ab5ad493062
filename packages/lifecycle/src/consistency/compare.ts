import { wireName } from '@dotmac/core/contract';
import type { Customer } from '../customers/customer.js';
import { foldedRow, type Folded } from '../customers/fold.js';
import { termsOf, type SearchTerm } from '../search/terms.js';
import type { Difference } from './report.js';

/** What of a row is not the fold of its events. */
export function compareFold(customer: Customer, folded: Folded): Difference[] {
  const row = foldedRow(customer);
  return (Object.keys(row) as (keyof Folded)[]).flatMap((name) => {
    const [kept, played] = [JSON.stringify(row[name]), JSON.stringify(folded[name])];
    return kept === played ? [] : [{ field: wireName(name), row: kept, history: played }];
  });
}

/** Is a customer found by something else than what it is? */
export function compareTerms(
  customer: Customer,
  kept: readonly SearchTerm[],
  attributes: readonly string[],
): Difference[] {
  const written = (terms: readonly SearchTerm[]): string =>
    terms
      .map(({ kind, term }) => `${kind} ${term}`)
      .sort()
      .join(', ');
  const [row, history] = [written(kept), written(termsOf(customer, attributes))];
  return row === history ? [] : [{ field: 'search', row, history }];
}
