import { sql, type Expression, type ExpressionBuilder, type RawBuilder, type SqlBool } from 'kysely';
import type { CustomerConditions } from '../../search/filter.js';
import type { SearchTerm } from '../../search/terms.js';
import type { TermRow } from './search-tables.js';
import type { CustomerRow, LifecycleTables } from './tables.js';

/** After every character that a term can go on with. */
export const endOfTerms = '\u{10ffff}';

/** A query on customers as `c`, whose terms may be joined as `t`. */
type Build = ExpressionBuilder<LifecycleTables & { c: CustomerRow; t: TermRow; other: TermRow }, 'c' | 't'>;

/** What conditions say of the columns. */
export function columnsFit(build: Build, conditions: CustomerConditions): Expression<SqlBool> {
  const { stage, userType, externalId, createdFrom, createdTo, updatedFrom, updatedTo } = conditions;
  return build.and([
    ...(stage === undefined ? [] : [build('c.stage', '=', stage)]),
    ...(userType === undefined ? [] : [build('c.user_type', '=', userType)]),
    ...(externalId === undefined ? [] : [build('c.external_id', '=', externalId)]),
    ...(createdFrom === undefined ? [] : [build('c.created_at', '>=', createdFrom)]),
    ...(createdTo === undefined ? [] : [build('c.created_at', '<', createdTo)]),
    ...(updatedFrom === undefined ? [] : [build('c.updated_at', '>=', updatedFrom)]),
    ...(updatedTo === undefined ? [] : [build('c.updated_at', '<', updatedTo)]),
  ]);
}

/** Where a customer stands in the indexes of a stage, of a type and of a term: columns of a query. */
export interface Standpoint {
  tenantId: string;
  createdAt: string;
  id: string;
}

/**
 * A term of the customer's, by its place in the index. A value and no `exists`, so that it is looked up for each customer,
 * and not for all that have it before. Index: the primary key.
 */
export function hasTermAt({ tenantId, createdAt, id }: Standpoint, { kind, term }: SearchTerm): Expression<SqlBool> {
  return sql<SqlBool>`(select p.customer_id from dotmac_customer_terms p where p.tenant_id = ${tenantId}
    and p.kind = ${kind} and p.term = ${term} and p.created_at = ${sql.ref(createdAt)}
    and p.customer_id = ${sql.ref(id)} limit 1) is not null`;
}

/** What conditions say of the stage and the type, in the same way. Index: (tenant_id, stage or user_type, created_at, id, …). */
export function columnsFitAt(
  { tenantId, createdAt, id }: Standpoint,
  { stage, userType }: CustomerConditions,
): Expression<SqlBool> {
  const isStage = stage === undefined ? sql`` : sql`and p.stage = ${stage}`;
  const isType = userType === undefined ? sql`` : sql`and p.user_type = ${userType}`;
  return sql<SqlBool>`(select p.id from dotmac_customers p where p.tenant_id = ${tenantId} ${isStage} ${isType}
    and p.created_at = ${sql.ref(createdAt)} and p.id = ${sql.ref(id)} limit 1) is not null`;
}

/** A term of the customer's. Index: (tenant_id, customer_id, …). */
function hasTerm(build: Build, { kind, term }: SearchTerm): Expression<SqlBool> {
  const of = build
    .selectFrom('dotmac_customer_terms as other')
    .select('other.customer_id')
    .whereRef('other.tenant_id', '=', 'c.tenant_id')
    .whereRef('other.customer_id', '=', 'c.id')
    .where('other.kind', '=', kind);
  return build.exists(of.where('other.term', '=', term));
}

/**
 * Is it a name that begins so? To be asked of one customer's terms. The kind is an expression, which no index has: names
 * that begin so can be tens of thousands where statistics say one, and the database would read all of them for each customer.
 */
export function isNameWith(alias: 't' | 'other', prefix: string): Expression<SqlBool> {
  const [kind, term] = [sql.ref(`${alias}.kind`), sql.ref(`${alias}.term`)];
  return sql<SqlBool>`coalesce(${kind}, ${kind}) = 'name' and ${term} >= ${prefix} and ${term} < ${prefix + endOfTerms}`;
}

/** Has the customer a name that begins so? Before another one in an order, if that is given. Index: (tenant_id, customer_id, …). */
export function hasNameWith(prefix: string, before: RawBuilder<unknown> = sql``): Expression<SqlBool> {
  return sql<SqlBool>`(select other.customer_id from dotmac_customer_terms other where other.tenant_id = c.tenant_id
    and other.customer_id = c.id and ${isNameWith('other', prefix)} ${before} limit 1) is not null`;
}

/** Everything that conditions say, whatever the order. */
export function fits(build: Build, conditions: CustomerConditions): Expression<SqlBool> {
  const { prefix, terms } = conditions;
  return build.and([
    columnsFit(build, conditions),
    ...(prefix === undefined ? [] : [hasNameWith(prefix)]),
    ...terms.map((term) => hasTerm(build, term)),
  ]);
}
