import type { MemoryTables } from '@dotmac/core';
import type { Documents } from '../documents.js';

/** What a document is kept as. */
export interface KeptDocument {
  tenantId: string;
  id: string;
  document: unknown;
}

/** One tenant's documents of one kind. */
export function memoryDocuments<Document extends { id: string }>(
  tables: MemoryTables<{ documents: Map<string, KeptDocument> } & Record<string, Map<string, never>>>,
  kind: string,
  tenantId: string,
): Documents<Document> {
  const { documents } = tables.read;
  const keyOf = (id: string): string => JSON.stringify([kind, tenantId, id]);
  const prefix = JSON.stringify([kind, tenantId]).slice(0, -1);
  return {
    insert: (document, trx) =>
      tables.transaction(
        (rows) => void rows.documents.set(keyOf(document.id), { tenantId, id: document.id, document }),
        trx,
      ),
    insertWithin: (most, document, trx) =>
      tables.transaction((rows) => {
        if ([...rows.documents.keys()].filter((key) => key.startsWith(`${prefix},`)).length >= most) return false;
        rows.documents.set(keyOf(document.id), { tenantId, id: document.id, document });
        return true;
      }, trx),
    change: (id, change, trx) =>
      tables.transaction((rows) => {
        const document = change(rows.documents.get(keyOf(id))?.document as Document | undefined);
        rows.documents.set(keyOf(id), { tenantId, id, document });
        return document;
      }, trx),
    get: (id) => Promise.resolve(documents.get(keyOf(id))?.document as Document | undefined),
    list({ limit, after }) {
      const rest = [...documents]
        .filter(([key, { id }]) => key.startsWith(`${prefix},`) && (after === null || id > after))
        .map(([, { document }]) => document as Document)
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      const items = rest.slice(0, limit);
      return Promise.resolve({ items, nextCursor: rest.length > limit ? (items.at(-1)?.id ?? null) : null });
    },
    remove: (id, trx) => tables.transaction((rows) => rows.documents.delete(keyOf(id)), trx),
  };
}

/** Every tenant's documents of a kind, or those of some, in the order of tenants and ids. */
export function everyDocument<Document>(
  documents: ReadonlyMap<string, KeptDocument>,
  kind: string,
  { limit, after }: { limit: number; after: { tenantId: string; id: string } | null },
  tenantIds?: readonly string[],
): Document[] {
  const asked = tenantIds && new Set(tenantIds);
  const isBehind = ({ tenantId, id }: KeptDocument): boolean =>
    after === null || tenantId > after.tenantId || (tenantId === after.tenantId && id > after.id);
  return [...documents]
    .filter(([, { tenantId }]) => asked?.has(tenantId) ?? true)
    .filter(([key, it]) => (JSON.parse(key) as string[])[0] === kind && isBehind(it))
    .map(([, it]) => it)
    .sort((a, b) => (a.tenantId === b.tenantId ? (a.id < b.id ? -1 : 1) : a.tenantId < b.tenantId ? -1 : 1))
    .slice(0, limit)
    .map(({ document }) => document as Document);
}
