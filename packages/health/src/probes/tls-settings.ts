import type { ConnectTls } from '@dotmac/core/net';
import type { TLSSocket } from 'node:tls';
import { z } from 'zod';
import type { Facts } from '../conditions/facts.js';
import type { OutcomeCode } from './outcomes.js';
import { WrongAnswer, type Observation } from './probe.js';

const pem = z.string().max(16_384);

/** How a probe speaks TLS; the same for every probe that can. */
export const tlsSettings = z.strictObject({
  /** The name to ask for and to verify; default: the endpoint's host. */
  servername: z.string().min(1).max(253).optional(),
  /** Whether the certificate must be valid for the name. Default true. */
  verify: z.boolean().default(true),
  /** Authorities to trust in place of the bundled ones, PEM. */
  ca: pem.optional(),
  /** A certificate of ours, PEM, and its key, which is a secret. */
  cert: pem.optional(),
  key: z.string().max(16_384).optional(),
  /** Fewer days until the certificate expires than this make the endpoint degraded. */
  days: z.number().min(0).max(3_650).optional(),
});

/** @see tlsSettings */
export type TlsSettings = z.output<typeof tlsSettings>;

/** The settings as the connector takes them. */
export function connectTls(settings: TlsSettings | undefined, alpnProtocols?: readonly string[]): ConnectTls {
  const { servername, verify = true, ca, cert, key } = settings ?? {};
  return {
    rejectUnauthorized: verify,
    ...(servername !== undefined && { servername }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(alpnProtocols && { alpnProtocols }),
  };
}

type Worry = Pick<Observation, 'degraded' | 'code'>;
const none: Worry = {};

/** What of a certificate is one to worry about, as observations say it. */
export function worryOf(seen: ReturnType<typeof certificateFacts> | undefined): Worry {
  const { degraded, code } = seen ?? {};
  return degraded === undefined || code === undefined ? none : { degraded, code };
}

/** What conditions can say of a certificate, and why it is one to worry about. */
export function certificateFacts(
  socket: TLSSocket,
  settings: TlsSettings | undefined,
  now: number,
): { certificate: Facts; degraded?: string; code?: OutcomeCode } {
  const { valid_from: from, valid_to: until, fingerprint256 } = socket.getPeerCertificate();
  // A server that hung up already has shown none.
  if (!Number.isFinite(Date.parse(from) + Date.parse(until)))
    throw new WrongAnswer('The certificate cannot be read', { code: 'certificate_unreadable' });
  const daysLeft = Math.floor((Date.parse(until) - now) / 86_400_000);
  const certificate = {
    days_left: daysLeft,
    not_before: new Date(from).toISOString(),
    not_after: new Date(until).toISOString(),
    fingerprint256,
    protocol: socket.getProtocol(),
    authorized: socket.authorized,
  };
  const least = settings?.days;
  return least !== undefined && daysLeft < least
    ? { certificate, degraded: `The certificate expires within ${least} days`, code: 'certificate_expiring' }
    : { certificate };
}
