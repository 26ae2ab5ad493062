import {
  executorFor,
  fromJson,
  insertedCount,
  inTransaction,
  onConflictDoNothing,
  toJson,
  upsert,
  type Database,
} from '@dotmac/core/kysely';
import type { Documents } from '../documents.js';
import type { HealthTables } from './tables.js';

const table = 'dotmac_health_documents';
/** The kind of the rows that are locked by who counts a kind. */
const counted = 'counted';

/** One tenant's documents of one kind. Each statement goes by the primary key (tenant_id, kind, id). */
export function kyselyDocuments<Document extends { id: string }>(
  database: Database,
  kind: string,
  tenantId: string,
): Documents<Document> {
  const own = () =>
    database.withTables<HealthTables>().selectFrom(table).where('tenant_id', '=', tenantId).where('kind', '=', kind);
  const documents: Documents<Document> = {
    async insert(document, trx) {
      await executorFor<HealthTables>(database, trx)
        .insertInto(table)
        .values({ tenant_id: tenantId, kind, id: document.id, body: toJson(document) })
        .execute();
    },
    insertWithin: (most, document, join) =>
      inTransaction<HealthTables, boolean>(database, join, async (trx) => {
        const lock = trx
          .insertInto(table)
          .values({ tenant_id: tenantId, kind: counted, id: kind, body: toJson({ id: kind }) });
        // Written in any case: that locks a row, whether it is new or not.
        await upsert(database, lock, ['tenant_id', 'kind', 'id'], { body: 'replace' }).execute();
        const { count } = await trx
          .selectFrom(table)
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('tenant_id', '=', tenantId)
          .where('kind', '=', kind)
          .executeTakeFirstOrThrow();
        if (Number(count) >= most) return false;
        await documents.insert(document, trx);
        return true;
      }),
    change: (id, change, join) =>
      inTransaction<HealthTables, Document>(database, join, async (trx) => {
        const row = await trx
          .selectFrom(table)
          .select('body')
          .where('tenant_id', '=', tenantId)
          .where('kind', '=', kind)
          .where('id', '=', id)
          .$if(database.traits.skipLocked, (query) => query.forUpdate())
          .executeTakeFirst();
        const document = change(row && fromJson<Document>(row.body));
        const body = toJson(document);
        if (!row) {
          const insert = trx.insertInto(table).values({ tenant_id: tenantId, kind, id, body });
          const made = insertedCount(await onConflictDoNothing(database, insert).execute());
          // Another has made it since we looked: it is there to be changed now.
          if (made === 0) return documents.change(id, change, trx);
        } else
          await trx
            .updateTable(table)
            .set({ body })
            .where('tenant_id', '=', tenantId)
            .where('kind', '=', kind)
            .where('id', '=', id)
            .execute();
        return document;
      }),
    async get(id) {
      const row = await own().select('body').where('id', '=', id).executeTakeFirst();
      return row && fromJson<Document>(row.body);
    },
    async list({ limit, after }) {
      const rows = await own()
        .select('body')
        .$if(after !== null, (query) => query.where('id', '>', after ?? ''))
        .orderBy('id')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map(({ body }) => fromJson<Document>(body));
      return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    async remove(id, trx) {
      const { numDeletedRows } = await executorFor<HealthTables>(database, trx)
        .deleteFrom(table)
        .where('tenant_id', '=', tenantId)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
  };
  return documents;
}

/** Every tenant's documents of a kind, or those of some, in the order of tenants and ids. Index: (kind, tenant_id, id). */
export async function everyDocument<Document>(
  database: Database,
  kind: string,
  { limit, after }: { limit: number; after: { tenantId: string; id: string } | null },
  tenantIds?: readonly string[],
): Promise<Document[]> {
  if (tenantIds?.length === 0) return [];
  const rows = await database
    .withTables<HealthTables>()
    .selectFrom(table)
    .select('body')
    .where('kind', '=', kind)
    .$if(tenantIds !== undefined, (query) => query.where('tenant_id', 'in', [...(tenantIds ?? [])]))
    .$if(after !== null, (query) =>
      query.where((eb) =>
        eb.or([
          eb('tenant_id', '>', after?.tenantId ?? ''),
          eb.and([eb('tenant_id', '=', after?.tenantId ?? ''), eb('id', '>', after?.id ?? '')]),
        ]),
      ),
    )
    .orderBy('tenant_id')
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(({ body }) => fromJson<Document>(body));
}
