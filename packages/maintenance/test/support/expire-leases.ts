import { sql } from 'kysely';
import type { Database } from '@dotmac/core/kysely';

/**
 * Lets every lease of a database run out, as if the time of the processes that hold them had passed: those are dead, or
 * stopped. A test that waits for it needs leases so short that a live process loses them as well when the machine pauses.
 */
export async function expireLeases({ kysely }: Database): Promise<void> {
  await sql`update dotmac_leases set until_at = 0`.execute(kysely);
}
