import { storeError } from '@dotmac/core/kysely';

/** What a query answers; its errors said as ours. */
export async function asked<Result>(query: Promise<Result>): Promise<Result> {
  try {
    return await query;
  } catch (error) {
    throw storeError(error, 'keeping the runs of maintenance');
  }
}
