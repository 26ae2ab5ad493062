import { isConnectFailure } from '@dotmac/core/net';
import type { Condition } from '../conditions/condition.js';
import { failedCondition } from '../conditions/evaluate.js';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import { isCannotCheck, isUnreachable, isWrongAnswer, type Observation, type Phases } from './probe.js';

/** What a check found out. `responseTimeMs` is null when nothing answered. */
export interface ProbeResult {
  status: EndpointStatus;
  responseTimeMs: number | null;
  /** A sentence of ours: never text of the other side, which may be anybody's. */
  message: string;
  phases?: Phases;
  /** When there will be something else to see, if that is before the next check; epoch ms. */
  lookAgainAt?: number;
}

/** What an answer is measured by. */
export interface Expectations {
  /** An answer later than this is degraded. */
  expectedResponseTimeMs: number;
  conditions: readonly Condition[];
}

/** What the message of an answer ends with that is degraded for its time alone. */
export const slower = ', slower than expected';

/** What an answer means: critical or degraded by its conditions, degraded when it is slow, else healthy. */
export function judge(observation: Observation, expected: Expectations): ProbeResult {
  const { responseTimeMs, message, phases, facts = {}, degraded, lookAgainAt } = observation;
  // A probe of the host's own may have miscounted: what is no number would spoil every sum that it goes into.
  if (!(Number.isFinite(responseTimeMs) && responseTimeMs >= 0)) return failed(undefined);
  const result = (status: EndpointStatus, text: string): ProbeResult => ({
    status,
    responseTimeMs,
    message: text,
    ...(phases && { phases }),
    ...(lookAgainAt !== undefined && { lookAgainAt }),
  });
  const unmet =
    expected.conditions.length === 0
      ? undefined
      : failedCondition(expected.conditions, { ...facts, latency: responseTimeMs / 1_000 });
  if (unmet) return result(unmet.severity, unmet.message);
  if (degraded !== undefined) return result('degraded', degraded);
  if (responseTimeMs > expected.expectedResponseTimeMs) return result('degraded', message + slower);
  return result('healthy', message);
}

/** What each way of not getting through says of the endpoint. */
const meanings: Record<string, { status: EndpointStatus; message: string }> = {
  refused: { status: 'offline', message: 'The connection was refused' },
  timeout: { status: 'offline', message: 'No answer in time' },
  name_not_found: { status: 'offline', message: 'There is no such host name' },
  unreachable: { status: 'offline', message: 'The host cannot be reached' },
  reset: { status: 'offline', message: 'The connection was closed' },
  tls_failed: { status: 'critical', message: 'The TLS handshake failed' },
  certificate_expired: { status: 'critical', message: 'The certificate has expired' },
  certificate_invalid: { status: 'critical', message: 'The certificate is not valid for this host' },
  denied: { status: 'unknown', message: 'Connecting there is not allowed here' },
  dns_failed: { status: 'unknown', message: 'Our name resolution failed' },
  out_of_descriptors: { status: 'unknown', message: 'We ran out of sockets' },
  aborted: { status: 'unknown', message: 'The check was stopped' },
};

/** The result of a failed check, by the failure's code. What nobody foresaw is our trouble, not the endpoint's. */
export function failed(error: unknown): ProbeResult {
  if (isWrongAnswer(error)) {
    const { responseTimeMs, message, phases } = error;
    return { status: 'critical', responseTimeMs, message, ...(phases && { phases }) };
  }
  if (isUnreachable(error)) return { status: 'offline', responseTimeMs: null, message: error.message };
  if (isCannotCheck(error)) {
    const { message, lookAgainAt } = error;
    return { status: 'unknown', responseTimeMs: null, message, ...(lookAgainAt !== undefined && { lookAgainAt }) };
  }
  const meaning = isConnectFailure(error) ? meanings[error.code] : undefined;
  return { ...(meaning ?? { status: 'unknown', message: 'The check itself failed' }), responseTimeMs: null };
}
