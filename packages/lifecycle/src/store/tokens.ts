import type { StoreTransaction } from '@dotmac/core';
import type { Channel } from '../verification/channel.js';

/** The one token of a customer's channel; a new one takes its place. */
export interface StoredToken {
  customerId: string;
  channel: Channel;
  id: string;
  keyId: string;
  /** HMAC of the token. The token itself is nowhere. */
  hash: string;
  attempts: number;
  issuedAt: number;
  expiresAt: number;
  consumedAt: number | null;
  /** How many were issued since `windowStartedAt`. */
  issued: number;
  windowStartedAt: number;
}

/** One tenant's verification tokens. */
export interface TokenStore {
  get(customerId: string, channel: Channel, trx?: StoreTransaction): Promise<StoredToken | undefined>;
  /** Puts a token in the place of the one before. */
  put(token: StoredToken, trx: StoreTransaction): Promise<void>;
  /** Counts an attempt, and answers the token with it counted; undefined when there is none. */
  countAttempt(customerId: string, channel: Channel, trx?: StoreTransaction): Promise<StoredToken | undefined>;
  /**
   * Counts a token for an address, in a window that begins with the first of it and lasts so long.
   * @returns how many there were in this window, this one with them, and when it began
   */
  countIssue(
    addressKey: string,
    at: number,
    windowMs: number,
    trx: StoreTransaction,
  ): Promise<{ issued: number; windowStartedAt: number }>;
  /** Compare-and-swap: true for one caller alone, while it is still this token and nobody consumed it. */
  consume(token: StoredToken, at: number, trx: StoreTransaction): Promise<boolean>;
}
