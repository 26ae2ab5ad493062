import type { StoreTransaction } from '@dotmac/core';

/** What a command answered under a key. */
export interface KeptAnswer {
  /** Hash of what was asked. */
  fingerprint: string;
  /** Whom it was about; null: nobody in particular, or not known yet. */
  customerId: string | null;
  /** JSON, sealed with the key of the customer that it is about; null until it is kept. */
  answer: string | null;
}

/** A key that a command wants to be carried out under. */
export interface AnswerClaim {
  /** Hash of command, subject, actor and key. */
  key: string;
  fingerprint: string;
  /** Epoch ms; from then on the key is free again. */
  keepUntil: number;
}

/** What one tenant's commands answered under their keys. */
export interface AnswerStore {
  /** A committed answer that is still kept. */
  find(key: string, now: number, trx?: StoreTransaction): Promise<KeptAnswer | undefined>;
  /**
   * Takes a key for a transaction. Of any number of racers one takes it: the others wait until it has committed, and get
   * its answer, or until it has failed, and one of them takes it. One that was taken, and committed without an answer, is
   * free: its command was refused, and whose transaction it was swallowed that.
   * @returns undefined when it was taken, else the answer that is kept under it
   */
  claim(claim: AnswerClaim, now: number, trx: StoreTransaction): Promise<KeptAnswer | undefined>;
  /** Keeps the answer under the key that this transaction took. */
  keep(key: string, answer: { customerId: string | null; answer: string }, trx: StoreTransaction): Promise<void>;
}
