import type { StoreTransaction } from '@dotmac/core';

/** When and in which transaction a command is carried out. */
export interface Moment {
  /** Epoch ms: the time of the event. */
  at: number;
  trx: StoreTransaction;
}
