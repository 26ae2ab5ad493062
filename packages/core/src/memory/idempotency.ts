import type { IdempotencyStore, KeptAnswer, StartedRequest } from '../http/idempotency-store.js';

interface Kept {
  fingerprint: string;
  leaseUntil: number;
  keepUntil: number;
  token: string;
  answer: KeptAnswer | undefined;
}

/** Options of {@link memoryIdempotencyStore}. */
export interface MemoryIdempotencyOptions {
  /** Keys kept at most; beyond, the oldest answered ones go first. Default 10,000. */
  maxKeys?: number;
}

/** Remembers answers in this process only, and boundedly. */
export function memoryIdempotencyStore({ maxKeys = 10_000 }: MemoryIdempotencyOptions = {}): IdempotencyStore {
  const kept = new Map<string, Kept>();
  // A tenant id has no space.
  const nameOf = (tenantId: string, key: string): string => `${tenantId} ${key}`;
  let turns = 0;
  const turnOf = ({ tenantId, key, token }: StartedRequest): Kept | undefined => {
    const known = kept.get(nameOf(tenantId, key));
    return known?.token === token && known.answer === undefined ? known : undefined;
  };
  const makeRoom = (): void => {
    if (kept.size < maxKeys) return;
    let oldest: string | undefined;
    for (const [name, { answer }] of kept) {
      oldest ??= name;
      if (answer === undefined) continue;
      oldest = name;
      break;
    }
    if (oldest !== undefined) kept.delete(oldest);
  };

  return {
    begin({ tenantId, key, fingerprint, now, leaseMs, retentionMs }) {
      const name = nameOf(tenantId, key);
      const known = kept.get(name);
      if (known && known.keepUntil > now) {
        if (known.fingerprint !== fingerprint) return Promise.resolve({ state: 'mismatch' });
        if (known.answer) return Promise.resolve({ state: 'done', answer: known.answer });
        if (known.leaseUntil > now) return Promise.resolve({ state: 'in_flight' });
      }
      kept.delete(name);
      makeRoom();
      const token = String(++turns);
      const leaseUntil = now + leaseMs;
      kept.set(name, { fingerprint, leaseUntil, keepUntil: now + retentionMs, token, answer: undefined });
      return Promise.resolve({ state: 'started', token });
    },
    renew({ now, leaseMs, ...started }) {
      const known = turnOf(started);
      if (known) known.leaseUntil = now + leaseMs;
      return Promise.resolve(known ? started.token : null);
    },
    complete({ answer, ...started }) {
      const known = turnOf(started);
      if (known) known.answer = answer;
      return Promise.resolve();
    },
    release(started) {
      if (turnOf(started)) kept.delete(nameOf(started.tenantId, started.key));
      return Promise.resolve();
    },
    prune(now) {
      let removed = 0;
      for (const [name, { keepUntil }] of kept) if (keepUntil <= now && kept.delete(name)) removed++;
      return Promise.resolve(removed);
    },
  };
}
