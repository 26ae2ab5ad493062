import type { Migration } from '@dotmac/core/kysely';

const attemptMark: Migration = async (schema, { types }) => {
  await schema.schema.alterTable('dotmac_verification_tokens').addColumn('attempt_mark', types.word).execute();
};

/** Which attempt at a token was counted last. */
export const attemptMigrations: Record<string, Migration> = { '0050-verification-attempt-marks': attemptMark };
