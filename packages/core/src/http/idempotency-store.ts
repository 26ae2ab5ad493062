/** The answer that is kept and replayed. */
export interface KeptAnswer {
  status: number;
  headers: Record<string, string>;
  /** The body as sent: text, already serialised. */
  body: string;
}

/** Where a request with an Idempotency-Key stands. */
export type IdempotencyState =
  /** This caller goes on, and must `complete` or `release` with the token that says whose turn it is. */
  | { state: 'started'; token: string }
  /** Another request with this key is being worked on. */
  | { state: 'in_flight' }
  /** The key was used before for something else. */
  | { state: 'mismatch' }
  /** Answered before. */
  | { state: 'done'; answer: KeptAnswer };

/** What `begin` is told. */
export interface IdempotencyBegin {
  tenantId: string;
  /** Route, actor and Idempotency-Key, composed by the pipeline. */
  key: string;
  /** Hash of the request; another fingerprint under the same key is a mismatch. */
  fingerprint: string;
  /** Epoch ms. */
  now: number;
  /** How long a started request may take before another may start it anew. */
  leaseMs: number;
  /** How long the answer is kept, from `now`. */
  retentionMs: number;
}

/** A request that was told `started`. */
export interface StartedRequest {
  tenantId: string;
  key: string;
  token: string;
}

/** Remembers the answers of requests that carried an Idempotency-Key, for one or for several processes. */
export interface IdempotencyStore {
  /** Of any number of racing begins with one key, exactly one is told `started`. */
  begin(begin: IdempotencyBegin): Promise<IdempotencyState>;
  /** Prolongs a started request that takes long. Returns its new token; null when another has taken its turn. */
  renew(started: StartedRequest & { now: number; leaseMs: number }): Promise<string | null>;
  /** Keeps the answer. Does nothing when another has taken the turn. */
  complete(answered: StartedRequest & { answer: KeptAnswer }): Promise<void>;
  /** Forgets a started request that came to nothing, so that it may be tried again, unless another has taken its turn. */
  release(started: StartedRequest): Promise<void>;
  /** Removes what is past its retention; returns how many. */
  prune(now: number): Promise<number>;
}
