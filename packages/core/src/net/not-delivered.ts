const notDelivered = Symbol.for('dotmac.NotDelivered');

/** Why a message was not delivered, as far as that is known. */
export class NotDelivered extends Error {
  readonly [notDelivered] = true;
  constructor(
    /** A short code of ours, e.g. `refused` or `status_503`: never text of the other side. */
    readonly code: string,
    /**
     * Whether the other side may have received it. What nobody can have received is put together anew at the next
     * attempt, with what is known then.
     */
    readonly mayHaveArrived: boolean,
    /** Whether the other side has read it and does not want it: the same is hardly taken later. */
    readonly isRefused = false,
  ) {
    super(`The message was not delivered: ${code}`);
  }
}

/** Recognises a {@link NotDelivered}, also of another copy of this package. */
export function isNotDelivered(error: unknown): error is NotDelivered {
  return typeof error === 'object' && error !== null && notDelivered in error;
}
