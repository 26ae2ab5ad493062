import type { StoreTransaction } from '@dotmac/core';
import type { Signal } from '../provisioning/signal.js';

/** What one tenant's people and systems said to steps. */
export interface SignalStore {
  /** False when the same one spoke to this step before. */
  add(signal: Signal, trx: StoreTransaction): Promise<boolean>;
  /** Oldest first. In a `trx`: all that is committed by now, also where a host's transaction reads as of an earlier time. */
  list(runId: string, stepKey: string, trx?: StoreTransaction): Promise<Signal[]>;
  /** Removes what was said to a step that is to be tried anew: everybody may speak again. */
  forget(runId: string, stepKey: string, trx: StoreTransaction): Promise<void>;
}
