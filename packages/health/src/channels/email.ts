import { coreErrors } from '@dotmac/core';
import { NotDelivered } from '@dotmac/core/net';
import { z } from 'zod';
import { defineChannel } from './channel-kind.js';

/** What sends mail: a transport of nodemailer's fits as it is. */
export interface MailTransport {
  sendMail(mail: { from: string; to: string[]; subject: string; text: string; messageId: string }): Promise<unknown>;
}

/** How mail is sent. */
export interface EmailChannelOptions {
  /** A transport of nodemailer fits as it is. */
  transport: MailTransport;
  /** Who it is from, e.g. `Monitoring <noc@example.com>`. */
  from: string;
  /** Whether a tenant may write to an address; default: to any. */
  allow?: (address: string, tenantId: string) => boolean;
}

const mostSubject = 180;

/**
 * Sends mail by the host's own transport. The `Message-ID` is the same on every attempt, by which mail servers and
 * readers tell that they have it already (RFC 5322, 3.6.4).
 *
 * @example
 * createHealth({ store, channels: [emailChannel({ transport: nodemailer.createTransport(url), from: 'noc@example.com' })] });
 */
export function emailChannel({ transport, from, allow = () => true }: EmailChannelOptions) {
  const domain = /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1];
  if (domain === undefined) throw coreErrors.INVALID_ARGUMENT({ argument: 'from', reason: 'give an address' });
  return defineChannel({
    kind: 'email',
    summary: 'Sends mail.',
    config: z.strictObject({ to: z.array(z.email().max(254)).min(1).max(20) }),
    secrets: z.strictObject({}),
    async deliver({ message, config, signal }) {
      const to = config.to.filter((address) => allow(address, message.tenantId));
      if (to.length === 0) throw new NotDelivered('not_allowed', false);
      const mail = {
        ...{ from, to },
        subject: message.text.length > mostSubject ? `${message.text.slice(0, mostSubject - 1)}…` : message.text,
        text: [message.text, '', ...message.items.map(({ text }) => `- ${text}`), ''].join('\n'),
        messageId: `<${message.id}@${domain}>`,
      };
      // A transport takes no signal: what it does after the deadline, it does alone.
      const aborted = new Promise<never>((_, reject) => {
        const late = (): void => reject(new NotDelivered('timeout', true));
        if (signal.aborted) late();
        else signal.addEventListener('abort', late, { once: true });
      });
      await Promise.race([transport.sendMail(mail), aborted]).catch((error: unknown) => {
        throw error instanceof NotDelivered ? error : new NotDelivered(mailCode(error), mayHaveArrived(error));
      });
    },
  });
}

/** Codes of nodemailer's that come before the first byte of a message (https://nodemailer.com/errors). */
const beforeSending = new Set(['ECONNECTION', 'EDNS', 'ETLS', 'EAUTH', 'ENOAUTH', 'EENVELOPE', 'ECONNREFUSED']);

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^E[A-Z]{2,20}$/.test(code) ? code : '';
}

function mailCode(error: unknown): string {
  const code = codeOf(error);
  return code === '' ? 'mail_failed' : `mail_${code.slice(1).toLowerCase()}`;
}

function mayHaveArrived(error: unknown): boolean {
  return !beforeSending.has(codeOf(error));
}
