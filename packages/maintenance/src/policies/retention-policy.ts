import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { RetentionPolicy } from './policy.js';

/** A {@link RetentionPolicy} whose table, columns and predicate are checked against the host's own table types. */
type TypedRetention<Tables, Table extends keyof Tables & string> = Omit<
  RetentionPolicy,
  'table' | 'timeColumn' | 'match' | 'where'
> & {
  table: Table;
  timeColumn: keyof Tables[Table] & string;
  match?: { readonly [Column in keyof Tables[Table] & string]?: string | number };
  where?: (eb: ExpressionBuilder<Tables, Table>) => Expression<SqlBool>;
};

/**
 * Types a policy by the tables that the host has given Kysely.
 *
 * @example
 * retentionPolicy<AppTables, 'sessions'>({
 *   name: 'sessions', database: 'main', table: 'sessions', timeColumn: 'created_at', retentionDays: 30,
 *   where: (eb) => eb('state', '=', 'ended'),
 * })
 */
export function retentionPolicy<Tables, Table extends keyof Tables & string>(
  policy: TypedRetention<Tables, Table>,
): RetentionPolicy {
  return policy as unknown as RetentionPolicy;
}
