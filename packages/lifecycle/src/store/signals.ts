import type { StoreTransaction } from '@dotmac/core';
import type { Signal } from '../provisioning/signal.js';

/** What one tenant's people and systems said to steps: only ever added to. */
export interface SignalStore {
  /** False when the same one spoke to this step before. */
  add(signal: Signal, trx: StoreTransaction): Promise<boolean>;
  /** Oldest first. */
  list(runId: string, stepKey: string, trx?: StoreTransaction): Promise<Signal[]>;
}
