import type { IdempotencyStore, KeptAnswer } from '../http/idempotency-store.js';

interface Kept {
  fingerprint: string;
  leaseUntil: number;
  keepUntil: number;
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
      kept.set(name, { fingerprint, leaseUntil: now + leaseMs, keepUntil: now + retentionMs, answer: undefined });
      return Promise.resolve({ state: 'started' });
    },
    complete({ tenantId, key, answer }) {
      const known = kept.get(nameOf(tenantId, key));
      if (known && !known.answer) known.answer = answer;
      return Promise.resolve();
    },
    release({ tenantId, key }) {
      const name = nameOf(tenantId, key);
      if (kept.get(name)?.answer === undefined) kept.delete(name);
      return Promise.resolve();
    },
    prune(now) {
      let removed = 0;
      for (const [name, { keepUntil }] of kept) if (keepUntil <= now && kept.delete(name)) removed++;
      return Promise.resolve(removed);
    },
  };
}
