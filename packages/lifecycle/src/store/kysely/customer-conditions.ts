import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { CustomerConditions } from '../../search/filter.js';
import type { SearchTerm } from '../../search/terms.js';
import type { TermRow } from './search-tables.js';
import type { CustomerRow, LifecycleTables } from './tables.js';

/** After every character that a term can go on with. */
export const endOfTerms = '\u{10ffff}';

/** A query on customers as `c`, whose terms may be joined as `t`. */
type Build = ExpressionBuilder<LifecycleTables & { c: CustomerRow; t: TermRow; other: TermRow }, 'c' | 't'>;

/** What conditions say of the columns; `created` is the column of the creation that the order is read from. */
export function columnsFit(
  build: Build,
  conditions: CustomerConditions,
  created: 'c.created_at' | 't.created_at' = 'c.created_at',
): Expression<SqlBool> {
  const { stage, userType, externalId, createdFrom, createdTo, updatedFrom, updatedTo } = conditions;
  return build.and([
    ...(stage === undefined ? [] : [build('c.stage', '=', stage)]),
    ...(userType === undefined ? [] : [build('c.user_type', '=', userType)]),
    ...(externalId === undefined ? [] : [build('c.external_id', '=', externalId)]),
    ...(createdFrom === undefined ? [] : [build(created, '>=', createdFrom)]),
    ...(createdTo === undefined ? [] : [build(created, '<', createdTo)]),
    ...(updatedFrom === undefined ? [] : [build('c.updated_at', '>=', updatedFrom)]),
    ...(updatedTo === undefined ? [] : [build('c.updated_at', '<', updatedTo)]),
  ]);
}

/** A term of the customer's. Index: (tenant_id, customer_id, …). */
export function hasTerm(build: Build, { kind, term }: SearchTerm, isPrefix = false): Expression<SqlBool> {
  const of = build
    .selectFrom('dotmac_customer_terms as other')
    .select('other.customer_id')
    .whereRef('other.tenant_id', '=', 'c.tenant_id')
    .whereRef('other.customer_id', '=', 'c.id')
    .where('other.kind', '=', kind);
  return build.exists(
    isPrefix
      ? of.where('other.term', '>=', term).where('other.term', '<', term + endOfTerms)
      : of.where('other.term', '=', term),
  );
}

/** Everything that conditions say, whatever the order. */
export function fits(build: Build, conditions: CustomerConditions): Expression<SqlBool> {
  const { prefix, terms } = conditions;
  return build.and([
    columnsFit(build, conditions),
    ...(prefix === undefined ? [] : [hasTerm(build, { kind: 'name', term: prefix }, true)]),
    ...terms.map((term) => hasTerm(build, term)),
  ]);
}
