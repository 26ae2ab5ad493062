import type { InputIssue } from '../errors/operation-error.js';
import { connectFailureOf, isConnectFailure } from './connect-failure.js';
import type { Connector } from './connector.js';
import { exchangeHttp } from './exchange-http.js';
import { NotDelivered } from './not-delivered.js';

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

/** What is wrong with a host that something is to be sent to. */
export function faultsOfHost(host: string, port: number | undefined, connector: Connector): string[] {
  try {
    return connector.judgeHost(host, port)?.allowed === false ? ['Connecting to this address is not allowed here'] : [];
  } catch {
    // Patterns and URLs let more through than DNS can hold.
    return ['Give a host name or an IP address'];
  }
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

/** What tells of the sender's credentials or of the moment, and not of what was sent: that may be taken later. */
const notOfTheMessage = [401, 407, 408, 409, 425, 429];

function isRefusal(status: number): boolean {
  return status >= 400 && status <= 499 && !notOfTheMessage.includes(status);
}

/**
 * Posts JSON, and is content with a status of 200 to 299.
 * @throws NotDelivered
 */
export async function postJson(
  { connector, timeoutMs, signal }: { connector: Connector; timeoutMs: number; signal: AbortSignal },
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
    const { status } = await exchangeHttp(socket, ask, signal).catch((error: unknown) => {
      throw new NotDelivered(isConnectFailure(error) ? error.code : 'no_answer', true);
    });
    if (status < 200 || status > 299) throw new NotDelivered(`status_${status}`, true, isRefusal(status));
  } finally {
    socket.destroy();
  }
}
