import { coreErrors } from '@dotmac/core';
import type { Connector } from '@dotmac/core/net';
import { postJson, signatureHeaders, signingKey } from '@dotmac/core/net';
import { wireOf } from '@dotmac/core/contract';
import { checkPolicyName } from '../policies/allow-list.js';
import { digest as digestSchema, type Digest } from './schemas.js';

/** A digest on its way to people. */
export interface DigestMessage {
  /** The same on every attempt: by it a receiver knows what it has already. */
  id: string;
  tenantId: string;
  /** Epoch ms. */
  at: number;
  /** One line. */
  subject: string;
  text: string;
  /** A whole page. */
  html: string;
  digest: Digest;
}

/** What sending works with. */
export interface DigestDelivery {
  /** Aborts when the channel's time is up, and when the run is to end. */
  signal: AbortSignal;
  /** The way out, for channels that open sockets. */
  connector: Connector;
}

/** A way of sending digests, the host's own or one of those here. */
export interface DigestChannel {
  /** How reports call it: letters, digits, `.`, `_`, `-`; unique. */
  name: string;
  /** The tenants whose digests it sends. Default every tenant's. */
  tenants?: readonly string[];
  /** Sends a digest, or throws. May be called again with the same message when a run is resumed. */
  send(message: DigestMessage, delivery: DigestDelivery): Promise<void>;
}

/** What sends mail: a transport of nodemailer's fits as it is. */
export interface DigestMailTransport {
  sendMail(mail: {
    from: string;
    to: string[];
    subject: string;
    text: string;
    html: string;
    messageId: string;
  }): Promise<unknown>;
}

/**
 * Sends digests by mail, by the host's own transport.
 *
 * @example digestByEmail({ transport: nodemailer.createTransport(url), from: 'ops@example.com', to: ['team@example.com'] })
 */
export function digestByEmail(options: {
  /** Default `email`. */
  name?: string;
  tenants?: readonly string[];
  transport: DigestMailTransport;
  from: string;
  to: readonly string[];
}): DigestChannel {
  const { name = 'email', tenants, transport, from, to } = options;
  const domain = /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1];
  if (domain === undefined) throw coreErrors.INVALID_ARGUMENT({ argument: 'from', reason: 'give an address' });
  if (to.length === 0) throw coreErrors.INVALID_ARGUMENT({ argument: 'to', reason: 'give an address' });
  return {
    name,
    ...(tenants && { tenants }),
    async send({ id, subject, text, html }) {
      await transport.sendMail({ from, to: [...to], subject, text, html, messageId: `<${id}@${domain}>` });
    },
  };
}

const wire = wireOf(digestSchema);
const timeoutMs = 10_000;

/**
 * Posts digests as JSON, signed as Standard Webhooks are; any status from 200 to 299 takes one. Beside the figures, `data`, are
 * the same `subject`, `text` and `html` (a whole page) that mails have.
 *
 * @param options.key `whsec_` and 24 to 64 bytes in base64
 */
export function digestByWebhook(options: {
  /** Default `webhook`. */
  name?: string;
  tenants?: readonly string[];
  url: string;
  key: string;
}): DigestChannel {
  const { name = 'webhook', tenants, url, key } = options;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw coreErrors.INVALID_ARGUMENT({ argument: 'url', reason: 'give an http or https URL' });
  if (!signingKey.safeParse(key).success)
    throw coreErrors.INVALID_ARGUMENT({ argument: 'key', reason: 'give "whsec_" and 24 to 64 bytes in base64' });
  return {
    name,
    ...(tenants && { tenants }),
    async send({ id, tenantId, at, subject, text, html, digest }, { signal, connector }) {
      const about = { id, type: 'maintenance.digest', tenant_id: tenantId };
      const body = JSON.stringify({ ...about, subject, text, html, data: wire.render(digest) });
      const headers = signatureHeaders(key, { id, at, body });
      await postJson({ connector, timeoutMs, signal }, { url, headers, body });
    },
  };
}

/** @throws INVALID_ARGUMENT when a name is none, or two channels have it */
export function checkChannels(channels: readonly DigestChannel[]): readonly DigestChannel[] {
  const names = new Set<string>();
  for (const { name } of channels) {
    checkPolicyName('digests.name', name);
    if (names.has(name))
      throw coreErrors.INVALID_ARGUMENT({ argument: 'digests', reason: `there are two channels named ${name}` });
    names.add(name);
  }
  return channels;
}
