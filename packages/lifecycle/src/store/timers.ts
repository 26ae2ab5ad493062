import type { StoreTransaction } from '@dotmac/core';
import type { Timer } from '../timers/timer.js';

/** One tenant's timers. */
export interface TimerStore {
  /** Sets a timer in the place of the customer's one of this name. */
  put(timer: Timer, trx: StoreTransaction): Promise<void>;
  clear(customerId: string, name: string, trx: StoreTransaction): Promise<void>;
  get(timerId: string): Promise<Timer | undefined>;
  /** True for one caller alone: the timer is gone. */
  take(timerId: string, trx: StoreTransaction): Promise<boolean>;
  /** In the order of their times. In a `trx`: all that is committed by now, also where a host's reads as of an earlier time. */
  listFor(customerId: string, trx?: StoreTransaction): Promise<Timer[]>;
}
