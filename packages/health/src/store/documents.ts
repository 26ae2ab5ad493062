import type { StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';

/** Small things that a tenant sets up, kept whole: channels, rules, windows. Their ids are in the order of their making. */
export interface Documents<Document extends { id: string }> {
  insert(document: Document, trx?: StoreTransaction): Promise<void>;
  /**
   * Inserts unless the tenant has `most` of the kind already, and says whether it did. However many come for the last
   * place, one has it: they count one after another, each until its transaction ends.
   */
  insertWithin(most: number, document: Document, trx?: StoreTransaction): Promise<boolean>;
  /**
   * Makes or changes one alone: what `change` gives takes the place of what it was given. It may be called again after a
   * conflict; what it throws changes nothing.
   */
  change(id: string, change: (known: Document | undefined) => Document, trx?: StoreTransaction): Promise<Document>;
  get(id: string): Promise<Document | undefined>;
  /** In the order of their ids. */
  list(ask: { limit: number; after: string | null }): Promise<Page<Document>>;
  /** False when there is none. */
  remove(id: string, trx?: StoreTransaction): Promise<boolean>;
}
