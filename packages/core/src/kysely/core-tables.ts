import type { Generated } from 'kysely';

/** The tables of `coreMigrations`, as Kysely sees them. */
export interface CoreTables {
  dotmac_outbox: {
    seq: Generated<number>;
    delivery_id: string;
    queue: string;
    subscriber: string;
    /** Hash of queue, subscriber, tenant and subject: what is delivered in order. */
    lane: string;
    tenant_id: string;
    event: string;
    attempts: Generated<number>;
    /** When it may be claimed (again): the moment of its retry, or the end of its lease. */
    available_at: number;
    claim: string | null;
    parked_at: number | null;
    park_reason: string | null;
  };
  dotmac_leases: { name: string; owner: string | null; fence: number; until_at: number };
  dotmac_idempotency: {
    tenant_id: string;
    key_hash: string;
    fingerprint: string;
    lease_until: number;
    keep_until: number;
    answer: string | null;
  };
}
