import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Clock } from '../clock.js';
import { coreErrors } from '../errors/core-errors.js';
import type { OperationError } from '../errors/operation-error.js';

/** The part of an ioredis client that limits are counted through: of a single node, of what sentinels watch over, or of a cluster. */
export interface LimitClient {
  readonly status: string;
  defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void;
  multi(): unknown;
}

/** How many requests in which time. */
export interface RateLimit {
  requests: number;
  /** The window in seconds. Default 60. */
  windowSeconds?: number;
  /** The host's ioredis client, so that several processes count together. While it is out of reach each counts alone. */
  redis?: LimitClient;
}

/** The state of a caller's quota after a request. */
export interface Quota {
  limit: number;
  windowSeconds: number;
  remaining: number;
  resetSeconds: number;
}

/** Counts a request of `key`. */
export type Limiter = (key: string) => Promise<Quota & { exceeded: boolean }>;

/** Timers of the memory limiter end here. */
const longestWindowSeconds = 2_147_483;
/** A limit is not worth more of a request's time. */
const redisPatienceMs = 250;
const distrustMs = 5_000;

/** A fixed-window limiter. `name` keeps several apart in one Redis. */
export function createLimiter(name: string, { requests, windowSeconds = 60, redis }: RateLimit, clock: Clock): Limiter {
  if (!(windowSeconds >= 1 && windowSeconds <= longestWindowSeconds))
    throw coreErrors.INVALID_ARGUMENT({ argument: 'windowSeconds', reason: `from 1 to ${longestWindowSeconds}` });
  const window = { points: requests, duration: windowSeconds, keyPrefix: `dotmac:limit:${name}` };
  const memory = new RateLimiterMemory(window);
  const limiter: RateLimiterAbstract = redis
    ? new RateLimiterRedis({ ...window, storeClient: redis, insuranceLimiter: memory, rejectIfRedisNotReady: true })
    : memory;
  let trustedAt = -Infinity;
  const consume = async (key: string): Promise<RateLimiterRes> => {
    if (limiter === memory || clock.monotonic() < trustedAt) return memory.consume(key);
    const shared = limiter.consume(key);
    const stop = new AbortController();
    const late = clock.sleep(redisPatienceMs, stop.signal).then(() => 'late' as const);
    late.catch(() => undefined);
    shared.catch(() => undefined);
    const first = await Promise.race([shared, late]).finally(() => stop.abort());
    if (first !== 'late') return first;
    // A frozen Redis answers nothing, not even an error. It is asked again after a while.
    trustedAt = clock.monotonic() + distrustMs;
    return memory.consume(key);
  };
  return async (key) => {
    const outcome = await consume(key).catch((rejected: unknown) => {
      if (rejected instanceof RateLimiterRes) return rejected;
      throw rejected;
    });
    return {
      limit: requests,
      windowSeconds,
      remaining: Math.max(0, outcome.remainingPoints),
      resetSeconds: Math.max(1, Math.ceil(outcome.msBeforeNext / 1_000)),
      exceeded: outcome.consumedPoints > requests,
    };
  };
}

/** The quota as `RateLimit` fields (draft-ietf-httpapi-ratelimit-headers-10). */
export function quotaHeaders({ limit, windowSeconds, remaining, resetSeconds }: Quota): Record<string, string> {
  return {
    'ratelimit-policy': `"default";q=${limit};w=${windowSeconds}`,
    ratelimit: `"default";r=${remaining};t=${resetSeconds}`,
  };
}

/** RATE_LIMITED, with the time to wait. */
export function quotaExceeded({ limit, windowSeconds, resetSeconds }: Quota): OperationError {
  return coreErrors.RATE_LIMITED({ limit, windowSeconds }, { retryAfter: resetSeconds });
}

/** An address as one caller: IPv6 by its /64, the least that one customer is given (RFC 6177). */
export function addressKey(address: string): string {
  const [plain = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    while (groups.length + last.length < 8) groups.push('0');
    groups.push(...last);
  }
  return groups.slice(0, 4).join(':');
}
