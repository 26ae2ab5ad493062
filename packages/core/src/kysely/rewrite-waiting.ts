import type { DomainEvent } from '../events/define-events.js';
import type { StoreTransaction } from '../store-transaction.js';
import type { CoreTables } from './core-tables.js';
import type { Database } from './database.js';
import { executorFor } from './transaction.js';
import { fromJson, toJson } from './values.js';

const table = 'dotmac_outbox';

/** Far below every database's limit of parameters, and of the depth of a condition. */
const subjectsPerStatement = 100;

/** What becomes of what waits of some subjects; null removes it. */
export interface Rewriting {
  queue: string;
  tenantId: string;
  subjects: readonly string[];
  change: (event: DomainEvent) => DomainEvent | null;
}

/** `rewrite` of an outbox. Index: (tenant_id, parked_at, seq) finds the tenant's; the text narrows them down. */
export async function rewriteWaiting(
  database: Database,
  { queue, tenantId, subjects, change }: Rewriting,
  trx: StoreTransaction,
): Promise<void> {
  const executor = executorFor<CoreTables>(database, trx);
  for (let start = 0; start < subjects.length; start += subjectsPerStatement) {
    const wanted = subjects.slice(start, start + subjectsPerStatement);
    const rows = await executor
      .selectFrom(table)
      .select(['seq', 'event'])
      .where('tenant_id', '=', tenantId)
      .where('queue', '=', queue)
      .where(({ eb, or }) => or(wanted.map((subject) => eb('event', 'like', patternOf(subject)))))
      .execute();
    for (const { seq, event } of rows) {
      const before = fromJson<DomainEvent>(event);
      if (!wanted.includes(before.subject)) continue;
      const after = change(before);
      if (after)
        await executor
          .updateTable(table)
          .set({ event: toJson(after) })
          .where('seq', '=', seq)
          .execute();
      else await executor.deleteFrom(table).where('seq', '=', seq).execute();
    }
  }
}

/** Whatever means something to LIKE, or is escaped in JSON, may be any character: the event itself decides. */
function patternOf(subject: string): string {
  return `%"subject":${JSON.stringify(subject).replace(/[^A-Za-z0-9"-]/g, '_')}%`;
}
