import { sql } from 'kysely';
import type { Migration } from '@dotmac/core/kysely';

/** When the slot after each comes due, until which its line is kept. */
export const slotSuccessors: Migration = async ({ schema }, { types }) => {
  await schema.alterTable('dotmac_maintenance_ledger').addColumn('next_at', types.epochMs).execute();
};

/** Lines are removed by when the slot after theirs came due; those of before, of which that is not known, by their own time. */
export const slotSuccessorTimes: Migration = async (schema) => {
  await sql`update dotmac_maintenance_ledger set next_at = slot_at where next_at is null`.execute(schema);
  const table = schema.schema.createIndex('dotmac_maintenance_ledger_next').on('dotmac_maintenance_ledger');
  await table.columns(['next_at']).execute();
};
