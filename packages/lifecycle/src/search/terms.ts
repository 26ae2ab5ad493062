import type { Customer } from '../customers/customer.js';

/** What customers are found by besides their columns. */
export type TermKind = 'name' | 'reason' | 'attribute';

/** Something that a customer can be found by, as it is kept: the same for every case and composition. */
export interface SearchTerm {
  kind: TermKind;
  term: string;
}

/** What changes in what a customer is found by. What is added already, or not there to be removed, changes nothing. */
export interface TermChange {
  add: readonly SearchTerm[];
  remove: readonly SearchTerm[];
}

/** A key of the database holds 200 characters, and none ends in a space. */
export const longestTerm = 150;

const plainText = (text: string): string => text.normalize('NFKC').toLowerCase().trim();

/** A text as it is looked for: of a longer one, its beginning. */
export function termText(text: string): string {
  return plainText(text).slice(0, longestTerm).trim();
}

/** What no customer is found by. */
export const noTerm: SearchTerm = { kind: 'attribute', term: '' };

/** The term of an attribute with a value; undefined for values that are no short text, number or flag. */
export function attributeTerm(key: string, value: unknown): SearchTerm | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
  const term = plainText(`${key}:${value}`);
  // A beginning would be that of other values too, and not every database keeps U+0000.
  return term.length > longestTerm || term.includes('\u0000') ? undefined : { kind: 'attribute', term };
}

type Named = Pick<Customer, 'username' | 'email' | 'firstName' | 'lastName'>;

function nameTerms({ username, email, firstName, lastName }: Named): SearchTerm[] {
  const names = [username, email, `${firstName} ${lastName}`, lastName].map(termText);
  return [...new Set(names)].filter(Boolean).map((term) => ({ kind: 'name', term }));
}

const reasonTerms = ({ blocks }: Customer): SearchTerm[] =>
  blocks.map(({ reason }) => ({ kind: 'reason', term: reason }));

const attributeTerms = (customer: Customer, keys: readonly string[]): SearchTerm[] =>
  keys.flatMap((key) => attributeTerm(key, customer.attributes[key]) ?? []);

/** All that a customer is found by; `attributes` are the keys that the host wants to find customers by. */
export function termsOf(customer: Customer, attributes: readonly string[]): SearchTerm[] {
  return [...nameTerms(customer), ...reasonTerms(customer), ...attributeTerms(customer, attributes)];
}

const isSame = (a: SearchTerm) => (b: SearchTerm) => a.kind === b.kind && a.term === b.term;

const unchanged: TermChange = { add: [], remove: [] };

/** What a change of a customer changes in what it is found by. What stayed as it was is not looked at. */
export function changedTerms(before: Customer, after: Customer, attributes: readonly string[]): TermChange {
  const isNamedAlike =
    before.username === after.username &&
    before.email === after.email &&
    before.firstName === after.firstName &&
    before.lastName === after.lastName;
  if (isNamedAlike && before.blocks === after.blocks && before.attributes === after.attributes) return unchanged;
  const changed = (customer: Customer): SearchTerm[] => [
    ...(isNamedAlike ? [] : nameTerms(customer)),
    ...(before.blocks === after.blocks ? [] : reasonTerms(customer)),
    ...(before.attributes === after.attributes ? [] : attributeTerms(customer, attributes)),
  ];
  return differenceOf(changed(before), changed(after));
}

/** What turns one list of terms into another. */
export function differenceOf(before: readonly SearchTerm[], after: readonly SearchTerm[]): TermChange {
  return {
    add: after.filter((term) => !before.some(isSame(term))),
    remove: before.filter((term) => !after.some(isSame(term))),
  };
}
