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
  /** Which attempt was counted last; null: none was. Up to 64 ASCII characters. */
  attemptMark: string | null;
  issuedAt: number;
  expiresAt: number;
  consumedAt: number | null;
  /** How many were issued since `windowStartedAt`. */
  issued: number;
  windowStartedAt: number;
}

/** A token as it was counted for its address. */
export interface CountedIssue {
  issued: number;
  windowStartedAt: number;
}

/** One tenant's verification tokens. */
export interface TokenStore {
  /** In a transaction the latest, which is locked. */
  get(customerId: string, channel: Channel, trx?: StoreTransaction): Promise<StoredToken | undefined>;
  /** Puts tokens in the place of those before; one for each customer's channel. */
  put(tokens: readonly StoredToken[], trx: StoreTransaction): Promise<void>;
  /**
   * Counts an attempt unless it is the one that was counted last, by its mark. Who counts the same is not to write anything
   * then: a transaction that reads as of before would not get past that, however often it is tried.
   * @returns the token with the attempt counted, the mark with it; undefined when there is none
   */
  countAttempt(
    customerId: string,
    channel: Channel,
    mark: string,
    trx?: StoreTransaction,
  ): Promise<StoredToken | undefined>;
  /**
   * Counts tokens for addresses, one after another, each in a window that begins with the first of its address and lasts
   * so long.
   * @returns of each, how many there were in this window, it and those before it, and when it began
   */
  countIssues(
    addressKeys: readonly string[],
    at: number,
    windowMs: number,
    trx: StoreTransaction,
  ): Promise<CountedIssue[]>;
  /** Compare-and-swap: true for one caller alone, while it is still this token and nobody consumed it. */
  consume(token: StoredToken, at: number, trx: StoreTransaction): Promise<boolean>;
}
