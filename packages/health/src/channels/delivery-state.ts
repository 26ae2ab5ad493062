/** How delivering to a channel goes. Instants are epoch ms. */
export interface DeliveryState {
  /** The channel's. */
  id: string;
  lastDeliveredAt: number | null;
  failingSince: number | null;
  /** A code: why the last attempt failed; null when it did not. */
  lastFailure: string | null;
}

/** Before the first attempt. */
export function untried(id: string): DeliveryState {
  return { id, lastDeliveredAt: null, failingSince: null, lastFailure: null };
}

/** After an attempt. @param failure its code, or null when it was delivered */
export function attempted(state: DeliveryState, failure: string | null, now: number): DeliveryState {
  return failure === null
    ? { ...state, lastDeliveredAt: now, failingSince: null, lastFailure: null }
    : { ...state, failingSince: state.failingSince ?? now, lastFailure: failure };
}
