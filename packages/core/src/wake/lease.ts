/** A lease that was granted. */
export interface Lease {
  /** Strictly increasing for a key: what writes under a lease should refuse a lower fence than it has seen. */
  fence: number;
}

/**
 * Exclusive rights that end by themselves. Expiry is judged by one clock alone: the database's where processes
 * share a database, so that their own clocks may disagree.
 */
export interface Leases {
  /**
   * Takes `key` for `ttlMs`, or null while another owner holds it. Acquiring what one holds already renews it, with a
   * new fence.
   */
  acquire(key: string, owner: string, ttlMs: number): Promise<Lease | null>;
  /**
   * Extends a lease to `ttlMs` from now; false when it was lost: released, or taken by another since it expired. One that
   * expired and that nobody took goes on under its fence, because nobody else has written in between.
   */
  renew(key: string, owner: string, fence: number, ttlMs: number): Promise<boolean>;
  /** Gives it back; false when it was lost before. Fences keep increasing over releases. */
  release(key: string, owner: string, fence: number): Promise<boolean>;
}

/** Leases that tell who has them. */
export interface NamedLeases extends Leases {
  /** Who has a key, and by which fence; null when nobody does. */
  holder(key: string): Promise<{ owner: string; fence: number } | null>;
}
