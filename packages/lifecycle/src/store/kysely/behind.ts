import { sql, type RawBuilder } from 'kysely';
import type { DuePlace } from '../due-place.js';

/** What comes after a place, in the order of a column of times, then of tenants and ids. */
export function behind(column: string, { at, tenantId, id }: DuePlace): RawBuilder<boolean> {
  const time = sql.ref(column);
  // Said twice, for not every database begins a range within an index at a choice.
  return sql<boolean>`(${time} >= ${at} and (${time} > ${at} or tenant_id > ${tenantId} or (tenant_id = ${tenantId} and id > ${id})))`;
}
