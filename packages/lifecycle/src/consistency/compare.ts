import { isDeepStrictEqual } from 'node:util';
import { wireName } from '@dotmac/core/contract';
import type { Customer } from '../customers/customer.js';
import { foldedRow, type Folded } from '../customers/fold.js';
import type { Said } from '../customers/said.js';
import { termsOf, type SearchTerm } from '../search/terms.js';
import { foldedService, type FoldedService } from '../services/fold.js';
import type { ServiceInstance } from '../services/instance.js';
import type { LeftBehind } from '../services/left-behind.js';
import type { Difference } from './report.js';

/** What of a row is not the fold of its events. */
export function compareFold(customer: Customer, folded: Folded): Difference[] {
  const row = foldedRow(customer);
  return (Object.keys(row) as (keyof Folded)[]).flatMap((name) => {
    const [kept, played] = [JSON.stringify(row[name]), JSON.stringify(folded[name])];
    return kept === played ? [] : [{ field: wireName(name), row: kept, history: played }];
  });
}

/** What of a row is not what its events say of it. */
export function compareSaid(customer: Customer, { profile, blocks }: Said): Difference[] {
  const ofProfile = Object.entries(profile).flatMap(([name, history]) =>
    differenceIn(wireName(name), customer[name as keyof Customer], history),
  );
  const ofBlocks = blocks.flatMap((said) => {
    const kept = customer.blocks.find(({ reason }) => reason === said.reason);
    // Which reasons are open, the fold says.
    if (!kept) return [];
    const told = Object.fromEntries(Object.keys(said).map((name) => [name, kept[name as keyof typeof kept]]));
    return differenceIn(`reason ${said.reason}`, told, said);
  });
  return [...ofProfile, ...ofBlocks];
}

function differenceIn(field: string, row: unknown, history: unknown): Difference[] {
  const [kept, said] = [row, history].map((value) => JSON.stringify(value ?? null)) as [string, string];
  // A database may keep the keys of an object in an order of its own.
  const isSame = kept === said || isDeepStrictEqual(JSON.parse(kept), JSON.parse(said));
  return isSame ? [] : [{ field, row: kept, history: said }];
}

/** What of a customer's services is not the fold of its events; one that only one of the two knows is `null` to the other. */
export function compareServices(
  services: readonly ServiceInstance[],
  folded: ReadonlyMap<string, FoldedService>,
): Difference[] {
  const rows = new Map(services.map((service) => [service.id, foldedService(service)]));
  return [...new Set([...rows.keys(), ...folded.keys()])].flatMap((id) => {
    const [row, history] = [rows, folded].map((known) => written(known.get(id) ?? null));
    return row === history ? [] : [{ field: `service ${id}`, row: row ?? '', history: history ?? '' }];
  });
}

function written(service: FoldedService | null): string {
  return JSON.stringify(service && Object.fromEntries(Object.entries(service).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** Which services give something else than they should, with nothing that sees to it? */
export function compareAccess(behind: readonly LeftBehind[]): Difference[] {
  return behind.map(({ service: { id, access }, wanted }) => {
    return { field: `access ${id}`, row: JSON.stringify(access), history: JSON.stringify(wanted) };
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
