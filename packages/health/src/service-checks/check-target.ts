import { ConnectFailure } from '@dotmac/core/net';
import { failed } from '../probes/judge.js';
import { codeFor, type OutcomeCode } from '../probes/outcomes.js';
import type { ServiceCheck } from './service-check.js';
import { sharedCheck } from './shared-check.js';
import type { ServiceTarget } from './target.js';

/** An answer later than this is degraded. */
const expectedMs = 1_000;

/**
 * Checks a target within its time, together with who does so already. Never rejects, and waits no longer for a check that
 * ignores its signal.
 */
export async function checkTarget(
  target: ServiceTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ServiceCheck> {
  const deadline = AbortSignal.timeout(Math.ceil(timeoutMs));
  const stop = AbortSignal.any([signal, deadline]);
  const given = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(new ConnectFailure(deadline.aborted ? 'timeout' : 'aborted'));
    if (stop.aborted) return giveUp();
    stop.addEventListener('abort', giveUp, { once: true });
  });
  try {
    const { facts, degraded, code, startedAt, responseTimeMs } = await sharedCheck(target, given);
    const tookMs = responseTimeMs ?? performance.now() - startedAt;
    const slow = tookMs > expectedMs ? 'It answered, slower than expected' : undefined;
    const message = degraded ?? slow ?? 'It answered as expected';
    const status = (degraded ?? slow) === undefined ? 'healthy' : 'degraded';
    return {
      status,
      code: codeFor(status, degraded === undefined && slow ? ('slow' satisfies OutcomeCode) : code),
      responseTime: Math.round(tookMs * 1_000) / 1_000_000,
      message,
      details: facts,
    };
  } catch (error) {
    const { status, code, message, responseTimeMs } = failed(error);
    return {
      status,
      code,
      message,
      responseTime: responseTimeMs === null ? null : responseTimeMs / 1_000,
      details: {},
    };
  }
}
