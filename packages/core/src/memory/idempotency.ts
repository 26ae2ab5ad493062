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
  /** Keys kept at most; beyond, one of the tenant who has most of them goes, the oldest answered first. Default 10,000. */
  maxKeys?: number;
}

/** Remembers answers in this process only, and boundedly. */
export function memoryIdempotencyStore({ maxKeys = 10_000 }: MemoryIdempotencyOptions = {}): IdempotencyStore {
  const tenants = new Map<string, Map<string, Kept>>();
  let size = 0;
  let turns = 0;
  const turnOf = ({ tenantId, key, token }: StartedRequest): Kept | undefined => {
    const known = tenants.get(tenantId)?.get(key);
    return known?.token === token && known.answer === undefined ? known : undefined;
  };
  const forget = (tenantId: string, key: string): void => {
    const own = tenants.get(tenantId);
    if (own?.delete(key)) size -= 1;
    if (own?.size === 0) tenants.delete(tenantId);
  };
  const oldestOf = (own: ReadonlyMap<string, Kept>): string => {
    const [oldest = ''] = own.keys();
    for (const [key, { answer }] of own) if (answer !== undefined) return key;
    return oldest;
  };
  /** Nobody's answers go for another's, who has more. */
  const makeRoom = (): void => {
    if (size < maxKeys) return;
    let most: { tenantId: string; own: ReadonlyMap<string, Kept> } | undefined;
    for (const [tenantId, own] of tenants) if (!most || own.size > most.own.size) most = { tenantId, own };
    if (most) forget(most.tenantId, oldestOf(most.own));
  };

  return {
    begin({ tenantId, key, fingerprint, now, leaseMs, retentionMs }) {
      const known = tenants.get(tenantId)?.get(key);
      if (known && known.keepUntil > now) {
        if (known.fingerprint !== fingerprint) return Promise.resolve({ state: 'mismatch' });
        if (known.answer) return Promise.resolve({ state: 'done', answer: known.answer });
        if (known.leaseUntil > now) return Promise.resolve({ state: 'in_flight' });
      }
      forget(tenantId, key);
      makeRoom();
      const token = String(++turns);
      const fresh = { fingerprint, leaseUntil: now + leaseMs, keepUntil: now + retentionMs, token, answer: undefined };
      tenants.set(tenantId, (tenants.get(tenantId) ?? new Map<string, Kept>()).set(key, fresh));
      size += 1;
      return Promise.resolve({ state: 'started', token });
    },
    renew({ now, leaseMs, ...started }) {
      const known = turnOf(started);
      // A new token, as a database gives one: what works here works there.
      if (known) Object.assign(known, { leaseUntil: now + leaseMs, token: String(++turns) });
      return Promise.resolve(known ? known.token : null);
    },
    complete({ answer, ...started }) {
      const known = turnOf(started);
      if (known) known.answer = answer;
      return Promise.resolve();
    },
    release(started) {
      if (turnOf(started)) forget(started.tenantId, started.key);
      return Promise.resolve();
    },
    prune(now) {
      const before = size;
      for (const [tenantId, own] of tenants)
        for (const [key, { keepUntil }] of own) if (keepUntil <= now) forget(tenantId, key);
      return Promise.resolve(before - size);
    },
  };
}
