import { printable } from '@dotmac/core/contract';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import type { ProbeResult } from '../probes/judge.js';

/** What became of the host's own traffic to an endpoint. */
export interface PassiveOutcome {
  /** What it says of the endpoint; or `ok`, for healthy and critical. */
  status?: Exclude<EndpointStatus, 'unknown'>;
  ok?: boolean;
  /** How long the answer took; slower than expected is degraded. */
  responseTimeMs?: number | null;
  /** For people; no text of the other side. */
  message?: string;
}

const line = printable.max(200);

/** A result of such an outcome. It is called for every request: what is cheap to check is checked. */
export function resultOf(
  { ok = true, status = ok ? 'healthy' : 'critical', responseTimeMs = null, message }: PassiveOutcome,
  expectedResponseTimeMs: number,
): ProbeResult {
  const isTimed = responseTimeMs !== null && Number.isFinite(responseTimeMs) && responseTimeMs >= 0;
  const isSlow = isTimed && status === 'healthy' && responseTimeMs > expectedResponseTimeMs;
  const said = message !== undefined && line.safeParse(message).success ? message : undefined;
  return {
    status: isSlow ? 'degraded' : status,
    responseTimeMs: isTimed ? responseTimeMs : null,
    message: said ?? (status === 'healthy' ? 'Seen at work' : 'Seen to fail'),
  };
}
