import { z } from 'zod';
import type { EndpointStatus } from '../endpoints/endpoint.js';

interface Meaning {
  /** What one check with this outcome says of the endpoint. */
  is: EndpointStatus | 'critical or degraded';
  /** For people. */
  means: string;
}

/**
 * What a check can come to. The code is for programs: it is in every result, event and alert, and stays what it is, while
 * sentences are for people and may be put better. A host's own probes may have further ones.
 */
export const outcomes = {
  ok: { is: 'healthy', means: 'It answered as it should' },

  slow: { is: 'degraded', means: 'It answered as it should, slower than expected' },
  certificate_expiring: { is: 'degraded', means: 'The certificate expires within the days that were set' },
  packet_loss: { is: 'degraded', means: 'More echo requests were lost than may be' },
  container_paused: { is: 'degraded', means: 'The container is paused' },
  container_starting: { is: 'degraded', means: 'The container is starting' },
  degraded: { is: 'degraded', means: 'The answer is one to worry about, by a probe that gives no code of its own' },

  condition_failed: { is: 'critical or degraded', means: 'A condition does not hold' },
  value_outside: { is: 'critical or degraded', means: 'A value is outside of its bounds' },

  answer_malformed: { is: 'critical', means: 'The answer is not of the protocol' },
  answer_mismatched: { is: 'critical', means: 'The answer is to another question' },
  answer_not_authoritative: { is: 'critical', means: 'The name server is none of the zone' },
  answer_too_long: { is: 'critical', means: 'The answer is too long' },
  answer_truncated: { is: 'critical', means: 'The answer broke off' },
  answer_unexpected: { is: 'critical', means: 'The answer is not the expected one' },
  answer_unverified: { is: 'critical', means: 'Our keys do not verify the answer, or it is not signed' },
  body_unreadable: { is: 'critical', means: 'The body cannot be unpacked' },
  certificate_expired: { is: 'critical', means: 'The certificate has expired' },
  certificate_invalid: { is: 'critical', means: 'The certificate is not valid for this host' },
  certificate_unreadable: { is: 'critical', means: 'The certificate cannot be read' },
  container_stopped: { is: 'critical', means: 'The container does not run' },
  container_unhealthy: { is: 'critical', means: 'The container’s own health check fails' },
  disk_unreadable: { is: 'critical', means: 'The disk cannot be read' },
  flapping: { is: 'critical', means: 'It comes and goes; what an incident has that begins with that' },
  handshake_failed: { is: 'critical', means: 'The connection did not become what was asked for' },
  job_failed: { is: 'critical', means: 'The job said that it failed' },
  job_overran: { is: 'critical', means: 'The job runs longer than it may' },
  not_serving: { is: 'critical', means: 'The service says that it is not serving' },
  object_missing: { is: 'critical', means: 'The agent has no such object' },
  rcode_unexpected: { is: 'critical', means: 'The name server answered with another response code' },
  redirect_refused: { is: 'critical', means: 'The redirect leads where it is not followed' },
  redirects_exceeded: { is: 'critical', means: 'There are too many redirects' },
  service_refused: {
    is: 'critical',
    means: 'The service refused the login or the question, or answered with an error',
  },
  service_unknown: { is: 'critical', means: 'The server does not know this service' },
  starttls_refused: { is: 'critical', means: 'TLS is not offered, or was refused' },
  starttls_unsafe: { is: 'critical', means: 'The server spoke on before TLS was agreed on' },
  status_unexpected: { is: 'critical', means: 'It answered with another status than is right' },
  tls_failed: { is: 'critical', means: 'The TLS handshake failed' },
  version_unsupported: { is: 'critical', means: 'It speaks another version of the protocol' },
  websocket_closed: { is: 'critical', means: 'The WebSocket was closed in place of a message' },
  wrong_answer: { is: 'critical', means: 'It answered wrongly, by a probe that gives no code of its own' },

  check_stuck: { is: 'offline', means: 'No answer in time; the check before still waits' },
  connection_closed: { is: 'offline', means: 'The connection was closed' },
  connection_refused: { is: 'offline', means: 'The connection was refused' },
  container_missing: { is: 'offline', means: 'There is no such container' },
  dns_not_found: { is: 'offline', means: 'There is no such host name' },
  host_unreachable: { is: 'offline', means: 'The host cannot be reached' },
  job_late: { is: 'offline', means: 'The job did not call in time' },
  no_answer: { is: 'offline', means: 'Nobody answered' },
  pool_exhausted: { is: 'offline', means: 'Every connection of the pool is in use' },
  target_missing: { is: 'offline', means: 'The host application has named no such target' },
  timeout: { is: 'offline', means: 'No answer in time' },

  cannot_check: { is: 'unknown', means: 'It could not be asked, by a probe that gives no code of its own' },
  check_failed: { is: 'unknown', means: 'The check itself failed' },
  check_stopped: { is: 'unknown', means: 'The check was stopped' },
  config_unfit: { is: 'unknown', means: 'The configuration does not fit its probe any more' },
  egress_denied: { is: 'unknown', means: 'Connecting there is not allowed here' },
  job_silent: { is: 'unknown', means: 'The job has not succeeded yet' },
  own_descriptors: { is: 'unknown', means: 'We ran out of sockets' },
  own_dns: { is: 'unknown', means: 'Our name resolution failed' },
  own_event_loop: { is: 'unknown', means: 'This process stood still during the check' },
  own_network: { is: 'unknown', means: 'Nothing can be reached from here' },
  ping_unavailable: { is: 'unknown', means: 'The ping program is not installed here, or cannot send' },
  probe_missing: { is: 'unknown', means: 'There is no probe for this service type here' },
  secrets_closed: { is: 'unknown', means: 'The secrets cannot be opened here' },
  tls_name_missing: { is: 'unknown', means: 'TLS to an address needs the name in its certificate' },
  unchecked: { is: 'unknown', means: 'It was not checked yet' },
  unspecified: {
    is: 'unknown',
    means: 'Results that were kept before there were codes have this one, whatever they are',
  },
} as const satisfies Record<string, Meaning>;

/** A code of {@link outcomes}. */
export type OutcomeCode = keyof typeof outcomes;

/** One of ours, or one of a host's own probe: lower case, digits and underscores, at most 40. */
export type Code = OutcomeCode | (string & Record<never, never>);

const pattern = /^[a-z][a-z0-9_]{0,39}$/;
const defaults: Readonly<Record<EndpointStatus, OutcomeCode>> = {
  healthy: 'ok',
  degraded: 'degraded',
  critical: 'wrong_answer',
  offline: 'no_answer',
  unknown: 'cannot_check',
};

/** The code of a result: what was given with it if that is one, else the one that says no more than its status. */
export function codeFor(status: EndpointStatus, given: unknown): Code {
  return typeof given === 'string' && pattern.test(given) ? given : defaults[status];
}

/** The code as it is shown. */
export const outcomeCode = z.string().meta({
  description: 'What the check found out, for programs; `docs/outcomes.md` lists them',
  examples: ['timeout'],
});

/** The code of a result that was kept, which may be from before there were codes. */
export function keptCode(status: EndpointStatus, code: string | null | undefined): Code {
  return code ?? (status === 'healthy' ? 'ok' : 'unspecified');
}
