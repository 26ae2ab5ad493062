import { setImmediate as endOfTurn } from 'node:timers/promises';
import { newId, type ScopeIdentity } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { HealthContext } from '../context.js';
import { healthErrors } from '../errors.js';
import { requireFaultless } from './check-endpoint.js';
import type { Endpoint, EndpointDraft, EndpointRecord } from './endpoint.js';
import { keep } from './keep.js';
import type { Registrant } from './registrant.js';
import { sealSecrets } from './secrets.js';
import { endpointEvent } from './tell.js';

/** Registers endpoints of one scope. */
export interface Registration {
  /** @throws INVALID_INPUT, ENDPOINT_LIMIT_REACHED */
  one(draft: EndpointDraft, registeredBy: Registrant): Promise<Endpoint>;
  /**
   * Registers what can be in one transaction, and says of each draft what became of it. A rehearsal keeps nothing, and
   * counts what would have been kept of the batches before.
   */
  many(
    drafts: readonly EndpointDraft[],
    registeredBy: Registrant,
    rehearsal?: { kept: number },
  ): Promise<({ id: string } | { error: unknown })[]>;
}

/** After so many, whatever else there is to do has its turn. */
const together = 100;
const letOthers = (done: number): Promise<void> | undefined => (done % together === 0 ? endOfTurn() : undefined);

/** @see Registration */
export function registration(context: HealthContext, identity: ScopeIdentity): Registration {
  const { store, clock, sealer, schemas, maxEndpoints, places } = context;
  const { tenantId } = identity;
  const endpoints = store.tenant(tenantId);
  const eventOf = (endpoint: EndpointRecord) => endpointEvent('endpoint.registered', endpoint, identity, clock.now());
  /** A draft as a record that can be kept, and has a place. */
  const recordOf = (draft: EndpointDraft, registeredBy: Registrant, besides = 0): EndpointRecord => {
    const { secrets, paused, ...input } = readDraft(schemas.input, draft);
    const [now, pausedAt] = [clock.now(), paused ? clock.now() : null];
    const bare = { ...input, id: newId(), tenantId, registeredBy, pausedAt, createdAt: now, updatedAt: now };
    requireFaultless({ ...bare, secrets }, context);
    const record = { ...bare, secrets: sealSecrets(sealer, bare, secrets) };
    if (!places.take(tenantId, besides)) throw healthErrors.ENDPOINT_LIMIT_REACHED({ limit: maxEndpoints });
    return record;
  };

  return {
    async one(draft, registeredBy) {
      const endpoint = recordOf(draft, registeredBy);
      try {
        await context.change([eventOf(endpoint)], (trx) => endpoints.insert(endpoint, trx));
        return keep(context, endpoint);
      } finally {
        places.release(tenantId, 1);
      }
    },
    async many(drafts, registeredBy, rehearsal) {
      const records: EndpointRecord[] = [];
      const results: ({ id: string } | { error: unknown })[] = [];
      try {
        for (const draft of drafts) {
          try {
            const record = recordOf(draft, registeredBy, rehearsal?.kept);
            records.push(record);
            results.push({ id: record.id });
          } catch (error) {
            results.push({ error });
          }
          await letOthers(results.length);
        }
        if (rehearsal) rehearsal.kept += records.length;
        if (rehearsal || records.length === 0) return results;
        await context.change(records.map(eventOf), async (trx) => {
          for (const [index, record] of records.entries()) {
            await endpoints.insert(record, trx);
            // The driver of SQLite waits for nothing.
            await letOthers(index + 1);
          }
        });
        for (const record of records) keep(context, record, undefined, true);
        return results;
      } finally {
        places.release(tenantId, records.length);
      }
    },
  };
}
