import type { Stage } from '../customers/stage.js';

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
