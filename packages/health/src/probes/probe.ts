import { isConnectFailure, type Connector } from '@dotmac/core/net';
import type { EndpointStatus } from '../endpoints/endpoint.js';

/** What a check found out. `responseTimeMs` is null when nothing answered. */
export interface ProbeResult {
  status: EndpointStatus;
  responseTimeMs: number | null;
  /** A sentence of ours: never text of the other side, which may be anybody's. */
  message: string;
}

/** What a probe is given. */
export interface ProbeContext {
  host: string;
  port: number;
  timeoutMs: number;
  /** An answer later than this is degraded. */
  expectedResponseTimeMs: number;
  connector: Connector;
  signal: AbortSignal;
}

/**
 * One way of checking an endpoint. It throws what went wrong (a `ConnectFailure`, or a {@link WrongAnswer}) and
 * returns how long the answer took; {@link judge} turns both into a result.
 */
export type Probe = (context: ProbeContext) => Promise<{ responseTimeMs: number; message: string }>;

/** The other side answered, and wrongly: critical. */
export class WrongAnswer extends Error {
  constructor(
    message: string,
    readonly responseTimeMs: number | null,
  ) {
    super(message);
  }
}

/** Nobody answered, for a reason that is no socket's: offline. */
export class Unreachable extends Error {}

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

/** Runs a probe and says what its outcome means. Never rejects. */
export async function judge(probe: Probe, context: ProbeContext): Promise<ProbeResult> {
  try {
    const { responseTimeMs, message } = await probe(context);
    return responseTimeMs <= context.expectedResponseTimeMs
      ? { status: 'healthy', responseTimeMs, message }
      : { status: 'degraded', responseTimeMs, message: `${message}, slower than expected` };
  } catch (error) {
    return failed(error);
  }
}

/** The result of a failed check, by the failure's code. What nobody foresaw is our trouble, not the endpoint's. */
export function failed(error: unknown): ProbeResult {
  if (error instanceof WrongAnswer)
    return { status: 'critical', responseTimeMs: error.responseTimeMs, message: error.message };
  if (error instanceof Unreachable) return { status: 'offline', responseTimeMs: null, message: error.message };
  const meaning = isConnectFailure(error) ? meanings[error.code] : undefined;
  return { ...(meaning ?? { status: 'unknown', message: 'The check itself failed' }), responseTimeMs: null };
}
