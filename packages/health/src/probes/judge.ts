import { isConnectFailure, type ConnectFailureCode } from '@dotmac/core/net';
import type { Condition } from '../conditions/condition.js';
import { failedCondition } from '../conditions/evaluate.js';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import { codeFor, outcomes, type Code, type OutcomeCode } from './outcomes.js';
import { isCannotCheck, isUnreachable, isWrongAnswer, type Observation, type Phases } from './probe.js';
import { said } from './said.js';

/** What a check found out. `responseTimeMs` is null when nothing answered. */
export interface ProbeResult {
  status: EndpointStatus;
  /** What it is, for programs. */
  code: Code;
  responseTimeMs: number | null;
  /** A printable line of ours, of at most 400 characters: never text of the other side, which may be anybody's. */
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
  const { responseTimeMs, message, phases, facts = {}, degraded, code, lookAgainAt } = observation;
  // A probe of the host's own may have miscounted: what is no number would spoil every sum that it goes into.
  if (!(Number.isFinite(responseTimeMs) && responseTimeMs >= 0)) return failed(undefined);
  const result = (status: EndpointStatus, what: unknown, text: string): ProbeResult => ({
    status,
    code: codeFor(status, what),
    responseTimeMs,
    message: said(text),
    ...(phases && { phases }),
    ...(Number.isFinite(lookAgainAt) && { lookAgainAt }),
  });
  const unmet =
    expected.conditions.length === 0
      ? undefined
      : failedCondition(expected.conditions, { ...facts, latency: responseTimeMs / 1_000 });
  if (unmet) return result(unmet.severity, 'condition_failed' satisfies OutcomeCode, unmet.message);
  if (degraded !== undefined) return result('degraded', code, degraded);
  if (responseTimeMs > expected.expectedResponseTimeMs)
    return result('degraded', 'slow' satisfies OutcomeCode, message + slower);
  return result('healthy', code, message);
}

/** What each way of not getting through is. */
const failures: Readonly<Record<string, OutcomeCode>> = {
  refused: 'connection_refused',
  timeout: 'timeout',
  name_not_found: 'dns_not_found',
  unreachable: 'host_unreachable',
  reset: 'connection_closed',
  tls_failed: 'tls_failed',
  certificate_expired: 'certificate_expired',
  certificate_invalid: 'certificate_invalid',
  denied: 'egress_denied',
  dns_failed: 'own_dns',
  out_of_descriptors: 'own_descriptors',
  aborted: 'check_stopped',
} satisfies Partial<Record<ConnectFailureCode, OutcomeCode>>;

/** The result of a failed check, by the failure's code. What nobody foresaw is our trouble, not the endpoint's. */
export function failed(error: unknown): ProbeResult {
  if (isWrongAnswer(error)) {
    const { responseTimeMs, phases } = error;
    const message = said(error.message);
    const code = codeFor('critical', error.code);
    return { status: 'critical', code, responseTimeMs, message, ...(phases && { phases }) };
  }
  if (isUnreachable(error))
    return {
      status: 'offline',
      code: codeFor('offline', error.code),
      responseTimeMs: null,
      message: said(error.message),
    };
  if (isCannotCheck(error)) {
    const { lookAgainAt } = error;
    const code = codeFor('unknown', error.code);
    return {
      status: 'unknown',
      code,
      responseTimeMs: null,
      message: said(error.message),
      ...(Number.isFinite(lookAgainAt) && { lookAgainAt }),
    };
  }
  const code = (isConnectFailure(error) ? failures[error.code] : undefined) ?? 'check_failed';
  return nothingFound(code);
}

/** The result of a check that no answer came to: what its code says, in the words of the table. */
export function nothingFound(code: OutcomeCode): ProbeResult {
  const { is, means } = outcomes[code];
  return { status: is === 'critical or degraded' ? 'critical' : is, code, responseTimeMs: null, message: means };
}
