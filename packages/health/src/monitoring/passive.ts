import { invalidInput, printable } from '@dotmac/core/contract';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import type { ProbeResult } from '../probes/judge.js';
import { codeFor, type Code, type OutcomeCode } from '../probes/outcomes.js';

/** What became of the host's own traffic to an endpoint. */
export interface PassiveOutcome {
  /** What it says of the endpoint; or `ok`, for healthy and critical. */
  status?: Exclude<EndpointStatus, 'unknown'>;
  ok?: boolean;
  /** How long the answer took; slower than expected is degraded. */
  responseTimeMs?: number | null;
  /** For people; no text of the other side. */
  message?: string;
  /** For programs; what is none, as {@link Code} says, is passed over. */
  code?: Code;
  /**
   * When it was seen, epoch ms, at most an hour ago; default now. What is older than the last check is summed up, and
   * changes no status.
   */
  at?: number;
}

const line = printable.max(200);
const longestAgoMs = 3_600_000;

/** When an outcome was seen; clocks of other machines may be ahead of ours. @throws INVALID_INPUT */
export function instantOf({ at = Infinity }: Pick<PassiveOutcome, 'at'>, now: number): number {
  if (!(at >= now - longestAgoMs)) throw invalidInput([{ path: 'at', message: 'Epoch ms, at most an hour ago' }]);
  return Math.min(Math.floor(at), now);
}

/** A result of such an outcome. It is called for every request: what is cheap to check is checked. */
export function resultOf(
  { ok = true, status = ok ? 'healthy' : 'critical', responseTimeMs = null, message, code }: PassiveOutcome,
  expectedResponseTimeMs: number,
): ProbeResult {
  const isTimed = responseTimeMs !== null && Number.isFinite(responseTimeMs) && responseTimeMs >= 0;
  const isSlow = isTimed && status === 'healthy' && responseTimeMs > expectedResponseTimeMs;
  const said = message !== undefined && line.safeParse(message).success ? message : undefined;
  const found = isSlow ? 'degraded' : status;
  return {
    status: found,
    code: codeFor(found, isSlow ? ('slow' satisfies OutcomeCode) : code),
    responseTimeMs: isTimed ? responseTimeMs : null,
    message: said ?? (status === 'healthy' ? 'Seen at work' : 'Seen to fail'),
  };
}
