import { createHash } from 'node:crypto';
import type { Clock } from '../clock.js';
import { invalidInput } from '../contract/wire.js';
import { coreErrors } from '../errors/core-errors.js';
import { describeError } from '../errors/describe-error.js';
import type { ErrorKind } from '../errors/kinds.js';
import { isOperationError } from '../errors/operation-error.js';
import type { Logger } from '../logger.js';
import type { Principal } from './authenticate.js';
import { header, type HttpRequest, type HttpResponse } from './exchange.js';
import type { IdempotencyStore, StartedRequest } from './idempotency-store.js';

/** What keeps answers, and for how long. */
export interface IdempotencyOptions {
  store: IdempotencyStore;
  clock: Clock;
  logger: Logger;
  /** How long an answer can be replayed. */
  retentionMs: number;
}

/** Once per `Idempotency-Key`; see {@link createIdempotency}. */
export type Idempotently = (
  route: string,
  request: HttpRequest,
  principal: Principal,
  sent: unknown,
  work: () => Promise<HttpResponse>,
) => Promise<HttpResponse>;

/** Without renewal for so long a request is taken for crashed, and its key may start again. */
const leaseMs = 60_000;
const pruneEveryMs = 600_000;

/** After these nobody knows whether the work was done: the key stays taken until the lease is over. */
const uncertain: readonly ErrorKind[] = ['unavailable', 'timeout', 'internal'];

/** The key that a request gives, if any. @throws INVALID_INPUT (a key that is not 1 to 255 visible ASCII characters) */
export function idempotencyKeyOf(request: HttpRequest): string | undefined {
  const given = header(request, 'idempotency-key');
  if (given !== undefined && !/^[\x21-\x7e]{1,255}$/.test(given))
    throw invalidInput([{ path: 'Idempotency-Key', message: 'A key is 1 to 255 visible ASCII characters' }]);
  return given;
}

/** The answer of an earlier request, marked as such. */
export function replayed(answer: HttpResponse): HttpResponse {
  return { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } };
}

/**
 * Runs work once per `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the same request again replays
 * the first answer. A key belongs to one tenant, actor and route. A request that was refused frees its key.
 * @throws IDEMPOTENCY_KEY_REUSED (another body or query), IDEMPOTENCY_IN_FLIGHT, INVALID_INPUT (a key that is not 1 to 255 visible ASCII characters)
 */
export function createIdempotency({ store, clock, logger, retentionMs }: IdempotencyOptions): Idempotently {
  let prunedAt = clock.monotonic();
  const prune = (): void => {
    if (clock.monotonic() - prunedAt < pruneEveryMs) return;
    prunedAt = clock.monotonic();
    store
      .prune(clock.now())
      .catch((error: unknown) => logger.warn(describeError(error), 'old answers could not be removed'));
  };
  const answerOnce = async (started: StartedRequest, work: () => Promise<HttpResponse>): Promise<HttpResponse> => {
    const endTurn = holdTurn(store, clock, started);
    try {
      const answer = await work();
      const turn = await endTurn();
      // The work is done: its client must hear of it, whether or not it can be told again.
      await store
        .complete({ ...turn, answer: { ...answer, body: String(answer.body) } })
        .catch((error: unknown) => logger.error(describeError(error), 'an answer could not be kept for its key'));
      return answer;
    } catch (error) {
      const turn = await endTurn();
      if (isOperationError(error) && !uncertain.includes(error.kind))
        await store
          .release(turn)
          .catch((failure: unknown) => logger.warn(describeError(failure), 'an idempotency key could not be freed'));
      throw error;
    }
  };

  return async (route, request, { tenantId, actorId }, sent, work) => {
    const given = idempotencyKeyOf(request);
    if (given === undefined) return work();
    prune();
    const key = digest([actorId, route, request.params, given]);
    // What was asked for besides: a rehearsal is another request.
    const fingerprint = digest(Object.keys(request.query).length > 0 ? [sent ?? null, request.query] : (sent ?? null));
    const claim = await store.begin({ tenantId, key, fingerprint, now: clock.now(), leaseMs, retentionMs });
    switch (claim.state) {
      case 'mismatch':
        throw coreErrors.IDEMPOTENCY_KEY_REUSED({});
      case 'in_flight':
        throw coreErrors.IDEMPOTENCY_IN_FLIGHT({}, { retryAfter: 1 });
      case 'done':
        return replayed(claim.answer);
      case 'started':
        return answerOnce({ tenantId, key, token: claim.token }, work);
    }
  };
}

/**
 * Renews the lease while the work goes on. Returns how to end that: the turn has the last token then, once a renewal that is
 * under way has come back, for under an older one nothing can be kept.
 */
function holdTurn(store: IdempotencyStore, clock: Clock, started: StartedRequest): () => Promise<StartedRequest> {
  let { token } = started;
  let isOver = false;
  let renewing = Promise.resolve();
  let cancel = (): void => undefined;
  const renew = async (): Promise<void> => {
    try {
      const renewed = await store.renew({ ...started, token, now: clock.now(), leaseMs });
      if (renewed === null) return;
      token = renewed;
    } catch {
      // There is time for another.
    }
    arm();
  };
  const arm = (): void => {
    if (!isOver) cancel = clock.after(leaseMs / 3, () => void (renewing = renew()));
  };
  arm();
  return async () => {
    isOver = true;
    cancel();
    await renewing;
    return { ...started, token };
  };
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
