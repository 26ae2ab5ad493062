/**
 * A transaction of whichever store is in use, as contracts see it. Any Kysely `Transaction<Tables>` fits as it is, and
 * so does a `MemoryTransaction`; each store checks that it was given one of its own kind.
 */
export interface StoreTransaction {
  readonly isTransaction: true;
}
