import type { Channel } from './channel.js';

/** A token on its way to the customer. */
export interface VerificationMessage {
  tenantId: string;
  customerId: string;
  channel: Channel;
  /** The email address or telephone number. */
  address: string;
  /** The raw token: for the customer's eyes only. Put it into a page that POSTs it; a GET may be a mail scanner's. */
  token: string;
  /**
   * Of a link: where it leads, below the place where the API is mounted. The page there asks, and consumes the token once
   * its button is pressed; those who have a page of their own put the token into that. Null for a code.
   */
  path: string | null;
  /** Epoch ms. */
  expiresAt: number;
  username: string;
  firstName: string;
  lastName: string;
}

/** What the host's sender is told besides. */
export interface VerificationDelivery {
  /** The same on every attempt: a mail service takes it as an idempotency key. */
  deliveryId: string;
  /** 1 at the first attempt. */
  attempt: number;
  signal: AbortSignal;
}

/**
 * The host's way of reaching customers. Called from the outbox after the commit: at least once, again later when it
 * throws, parked in the end.
 */
export type SendVerification = (message: VerificationMessage, delivery: VerificationDelivery) => void | Promise<void>;
