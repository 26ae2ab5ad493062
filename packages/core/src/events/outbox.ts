import type { Page } from '../contract/page.js';
import type { StoreTransaction } from '../store-transaction.js';
import type { DomainEvent } from './define-events.js';

/** One event on its way to one subscriber. */
export interface OutboxEntry {
  /** The subscriber's stable name. One failing subscriber does not re-run the others. */
  subscriber: string;
  event: DomainEvent;
  /** Subscribers whose entries name the same lane share one order for each tenant and subject. Default: the subscriber. */
  lane?: string;
  /** Names the delivery, as no other is named: what is kept beside it can bear the same id. Default a new one. */
  deliveryId?: string;
}

/** An entry taken for delivery. */
export interface ClaimedEntry extends Omit<OutboxEntry, 'lane' | 'deliveryId'> {
  /** Identifies this entry and this claim of it; opaque. */
  claim: string;
  /** Names the delivery: the same on every attempt. */
  deliveryId: string;
  /** 1 at the first attempt. */
  attempt: number;
}

/** An entry that was given up, for people to look at. */
export interface ParkedEntry extends Omit<OutboxEntry, 'lane' | 'deliveryId'> {
  deliveryId: string;
  attempts: number;
  parkedAt: number;
  reason: string;
}

/** Which parked entries to list. */
export interface ParkedListing {
  limit: number;
  /** The `nextCursor` of the page before. */
  after?: string | null;
  /** Of this subscriber alone. */
  subscriber?: string;
}

/** A parked entry by its id; of the subscriber alone, when one is given. */
export interface ParkedName {
  deliveryId: string;
  subscriber?: string;
}

/** How long entries of some subscribers may wait. */
export interface LongestWaits {
  subscribers: readonly string[];
  /**
   * By the attempts that were made, the last for all beyond: an entry that would wait longer, from now, is due now. So
   * the first is 0, for what was just appended.
   */
  waitsMs: readonly number[];
  /** One that is claimed is so for as long at the most, from now. */
  leaseMs: number;
}

/** What a claim is for. */
export interface OutboxClaim {
  subscribers: readonly string[];
  limit: number;
  leaseMs: number;
  /** Tenants whose entries are left where they are. Default none. */
  besides?: readonly string[];
}

/**
 * Events that must not be lost, kept in the transaction that made them true.
 * Entries of one lane, tenant and subject are claimed one after another, in the order they were appended. A parked entry
 * holds nobody up, and neither does one that has stepped aside or is of a subscriber that is not asked for.
 */
export interface Outbox {
  /** Adds entries, in the transaction given if any. */
  append(entries: readonly OutboxEntry[], trx?: StoreTransaction): Promise<void>;
  /** Takes up to `limit` due entries of these subscribers for `leaseMs`; after that, others may take them again. */
  claim(ask: OutboxClaim): Promise<ClaimedEntry[]>;
  /** Removes delivered entries; those whose lease was lost meanwhile stay. Returns how many were removed. */
  acknowledge(claims: readonly string[]): Promise<number>;
  /**
   * Puts an entry back, to be claimed again after `delayMs`. One that `stepsAside` holds nobody up from then on: entries of
   * its lane are claimed as if it were not there.
   */
  retryLater(claim: string, delayMs: number, stepsAside?: boolean): Promise<void>;
  /** The time that entries are due by, epoch ms. */
  time(): Promise<number>;
  /**
   * Brings forward what would wait longer than it may, for the clock that it is due by was set back meanwhile. Calling it
   * again, or in several processes, brings forward no more. Returns how many entries it brought forward.
   */
  bringForward(ask: LongestWaits): Promise<number>;
  /**
   * Puts off entries that are due and cannot be claimed, for one before them in their lane is put off: until that one is due.
   * A claim has to pass over all that there are. Looks at no more than `limit` entries, those that are due longest; returns
   * how many it put off.
   */
  setAside(ask: { subscribers: readonly string[]; limit: number }): Promise<number>;
  /** Gives an entry up. `reason` is a short code or sentence without secrets. */
  park(claim: string, reason: string): Promise<void>;
  /** Parked entries of a tenant, in the order in which they were given up. */
  parked(tenantId: string, ask: ParkedListing): Promise<Page<ParkedEntry>>;
  /** Puts a parked entry back with its attempts forgotten; false when there is none. */
  unpark(tenantId: string, of: ParkedName): Promise<boolean>;
  /** Removes a parked entry, in the transaction given if any, and returns it; undefined when there is none. */
  discard(tenantId: string, of: ParkedName, trx?: StoreTransaction): Promise<ParkedEntry | undefined>;
  /**
   * Removes up to `limit` entries of every tenant that were parked before `before` (epoch ms), those parked longest
   * first, in the transaction given if any, and returns them.
   */
  pruneParked(ask: { before: number; limit: number }, trx?: StoreTransaction): Promise<ParkedEntry[]>;
  /**
   * Changes what waits for delivery of some subjects, parked entries too: null removes an entry. One that is being
   * delivered meanwhile is delivered as it was. Reads all that waits of the tenant.
   */
  rewrite(
    tenantId: string,
    subjects: readonly string[],
    change: (event: DomainEvent) => DomainEvent | null,
    trx: StoreTransaction,
  ): Promise<void>;
  /**
   * Calls `listener` after entries were committed by this process, where it can know. Returns how to stop listening.
   */
  onAppended(listener: () => void): () => void;
}
