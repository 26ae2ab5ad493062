import { createHash } from 'node:crypto';
import type { Clock } from '../clock.js';
import { invalidInput } from '../contract/wire.js';
import { coreErrors } from '../errors/core-errors.js';
import type { Principal } from './authenticate.js';
import { header, type HttpRequest, type HttpResponse } from './exchange.js';
import type { IdempotencyStore } from './idempotency-store.js';

/** What keeps answers, and for how long. */
export interface IdempotencyOptions {
  store: IdempotencyStore;
  clock: Clock;
  /** How long an answer can be replayed. */
  retentionMs: number;
}

/** After this a request that neither finished nor failed is taken for crashed, and its key may start again. */
const leaseMs = 60_000;

/**
 * Runs `work` once per `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the same request again replays
 * the first answer. A key belongs to one tenant, actor and route. A failed request frees its key.
 * @throws IDEMPOTENCY_KEY_REUSED (another body), IDEMPOTENCY_IN_FLIGHT, INVALID_INPUT (a key that is not 1 to 255 visible ASCII characters)
 */
export async function idempotently(
  { store, clock, retentionMs }: IdempotencyOptions,
  request: HttpRequest,
  { tenantId, actorId }: Principal,
  sent: unknown,
  work: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const given = header(request, 'idempotency-key');
  if (given === undefined) return work();
  if (!/^[\x21-\x7e]{1,255}$/.test(given))
    throw invalidInput([{ path: 'Idempotency-Key', message: 'A key is 1 to 255 visible ASCII characters' }]);
  const key = digest([actorId, request.method, request.path, given]);
  const fingerprint = digest(sent ?? null);
  const claim = await store.begin({ tenantId, key, fingerprint, now: clock.now(), leaseMs, retentionMs });
  switch (claim.state) {
    case 'mismatch':
      throw coreErrors.IDEMPOTENCY_KEY_REUSED({});
    case 'in_flight':
      throw coreErrors.IDEMPOTENCY_IN_FLIGHT({}, { retryAfter: 1 });
    case 'done':
      return { ...claim.answer, headers: { ...claim.answer.headers, 'idempotency-replayed': 'true' } };
    case 'started': {
      const answer = await work().catch(async (error: unknown) => {
        await store.release({ tenantId, key });
        throw error;
      });
      await store.complete({ tenantId, key, answer: { ...answer, body: String(answer.body) } });
      return answer;
    }
  }
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
