import type { StoreTransaction } from '@dotmac/core';
import type { OnceAsked } from '@dotmac/core/contract';

/** The host's own transaction, to read or write with. */
export interface JoinOptions {
  /** The host's own open transaction on the store's database: what is written commits with it. Default one of its own. */
  trx?: StoreTransaction | undefined;
}

/** Options of every command. */
export type CommandOptions = JoinOptions & OnceAsked;

/** The same with what code of ours gives besides, through `commandsOf` alone: the services' types do not offer it. */
export interface CarryOutOptions extends CommandOptions {
  /**
   * Called first in the transaction; false: nothing is done, and the customer is answered as it is. For who must do
   * something once, e.g. take a row of its own.
   */
  claim?: ((trx: StoreTransaction) => Promise<boolean>) | undefined;
  /** Undo everything by throwing what it would have been; no hook is called. For `commands.dryRun`. */
  dryRun?: true;
}
