import type { InputIssue } from '@dotmac/core';
import { connectFailureOf, isConnectFailure, type Connector } from '@dotmac/core/net';
import { z } from 'zod';
import { faultsOfHost } from '../endpoints/check-endpoint.js';
import { exchange } from '../probes/http/exchange.js';
import { NotDelivered, type Delivery } from './channel-kind.js';

/** Where messages may be posted to. Redirects are not followed: this is where they go. */
export const postUrl = z
  .url({ protocol: /^https?$/ })
  .max(2_048)
  .refine((text) => {
    // Refinements run even when it is no URL, which is told already.
    if (!URL.canParse(text)) return true;
    const { username, password, hash } = new URL(text);
    return username === '' && password === '' && hash === '';
  }, 'Leave the user, the password and the fragment out');

interface Target {
  secure: boolean;
  host: string;
  port: number;
  path: string;
}

function targetOf(text: string): Target {
  const { protocol, hostname, port, pathname, search } = new URL(text);
  const secure = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  return { secure, host, port: port === '' ? (secure ? 443 : 80) : Number(port), path: pathname + search };
}

/** Says when a URL leads where nothing may be sent. */
export function faultsOfUrl(path: string, text: string, connector: Connector): InputIssue[] {
  const { host, port } = targetOf(text);
  return faultsOfHost(host, port, connector).map((message) => ({ path, message }));
}

/** What a URL's secrets belong to. */
export function originOf(text: string): string {
  return new URL(text).origin;
}

/**
 * Posts JSON, and is content with a status of 200 to 299.
 * @throws NotDelivered
 */
export async function postJson(
  { connector, timeoutMs, signal }: Pick<Delivery, 'connector' | 'timeoutMs' | 'signal'>,
  { url, headers, body }: { url: string; headers: Readonly<Record<string, string>>; body: string },
): Promise<void> {
  const { secure, host, port, path } = targetOf(url);
  const tls = secure ? { tls: { alpnProtocols: ['http/1.1'] } } : {};
  const { socket } = await connector.connect({ host, port, timeoutMs, signal, ...tls }).catch((error: unknown) => {
    throw new NotDelivered(connectFailureOf(error).code, false);
  });
  try {
    const ask = {
      ...{ method: 'POST', host, port, path, body },
      headers: { host: new URL(url).host, 'content-type': 'application/json', ...headers },
    };
    const { status } = await exchange(socket, ask, signal).catch((error: unknown) => {
      throw new NotDelivered(isConnectFailure(error) ? error.code : 'no_answer', true);
    });
    if (status < 200 || status > 299) throw new NotDelivered(`status_${status}`, true);
  } finally {
    socket.destroy();
  }
}
