/**
 * What keeps a run that was held up from writing to a database once another has taken its work over: the leases are looked at
 * in the `transaction` that writes; they are in another database, and `time` alone does, for a lease is looked at before
 * the commit and lasts longer than that takes; or they are in the memory of this `process`, and bind no other.
 */
export type Fencing = 'transaction' | 'time' | 'process';
