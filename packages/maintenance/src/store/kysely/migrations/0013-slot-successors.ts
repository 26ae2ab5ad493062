import type { Migration } from '@dotmac/core/kysely';

/** When the slot after each comes due, until which its line is kept; null in lines of before. */
export const slotSuccessors: Migration = async ({ schema }, { types }) => {
  await schema.alterTable('dotmac_maintenance_ledger').addColumn('next_at', types.epochMs).execute();
};

/** Lines are removed by when the slot after theirs came due. */
export const slotSuccessorTimes: Migration = async ({ schema }) => {
  const table = schema.createIndex('dotmac_maintenance_ledger_next').on('dotmac_maintenance_ledger');
  await table.columns(['next_at']).execute();
};
