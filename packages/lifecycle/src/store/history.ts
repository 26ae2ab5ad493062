import type { AnyEvent, StoreTransaction } from '@dotmac/core';
import type { Stage } from '../customers/stage.js';
import type { LifecycleEvents } from '../events.js';

/** An event of a customer's history, at its place in it. */
export interface HistoryEntry {
  /** From 1, without gaps: the customer's version after it. */
  seq: number;
  event: AnyEvent<LifecycleEvents>;
  /** What is personal in it, sealed with the customer's key. */
  sealed?: string;
}

/** An event at its place among all of its tenant. */
export interface FeedEntry extends HistoryEntry {
  /** From 1; in the order in which events were found to be committed, and for each customer in that of its history. */
  position: number;
}

/** A stage that a customer came into. */
export interface StageChange {
  customerId: string;
  seq: number;
  stage: Stage;
  /** Epoch ms. */
  at: number;
}

/** Which entries of a customer are asked for. */
export interface HistoryAsk {
  limit: number;
  /** Before this place. */
  before?: number | undefined;
  names?: readonly string[] | undefined;
}

/** One tenant's history: only ever added to. */
export interface HistoryStore {
  /** Adds entries to the histories of their events' subjects; those of one customer in their order. */
  append(entries: readonly HistoryEntry[], trx: StoreTransaction): Promise<void>;
  /** The last `limit` entries, oldest first; only those that changed the stage, if asked. */
  list(customerId: string, ask: { limit: number; stageChangesOnly?: boolean }): Promise<HistoryEntry[]>;
  /** One event of a customer. */
  find(customerId: string, eventId: string): Promise<HistoryEntry | undefined>;
  /** The first `limit` entries after a place, oldest first. */
  readFrom(customerId: string, ask: { after: number; limit: number }): Promise<HistoryEntry[]>;
  /** A customer's entries, newest first, before a place in its history if one is given; of these names alone, if asked. */
  page(customerId: string, ask: HistoryAsk, trx?: StoreTransaction): Promise<HistoryEntry[]>;
  /**
   * Gives up to `limit` events a position that have none yet: those that are committed by now. What commits later comes
   * after them, so that nobody who reads by positions misses any. Safe to call at once from anywhere.
   * @returns the last position given, and how many were given now
   */
  number(limit: number): Promise<{ last: number; given: number }>;
  /** All entries of these customers, each one's in order. For few customers with short histories. */
  ofMany(customerIds: readonly string[]): Promise<HistoryEntry[]>;
  /** Changes of stage by customer, each one's in order, after one of them if given; those before an instant. */
  stageChanges(ask: { before: number; after?: StageChange | undefined; limit: number }): Promise<StageChange[]>;
  /** Ids that have a history and no row among the customers, in their order, after one of them if given. */
  orphans(ask: { after?: string | undefined; limit: number }): Promise<string[]>;
  /** Entries after a position, in the order of their positions. */
  feed(position: number, limit: number): Promise<FeedEntry[]>;
}
