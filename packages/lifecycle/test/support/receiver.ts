import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a receiver of webhooks got. */
export interface Received {
  id: string;
  type: string;
  headers: IncomingHttpHeaders;
  text: string;
  body: { type: string; timestamp: string; data: Record<string, unknown> };
}

/** A real server that takes webhooks, and answers as the test says. */
export async function receiver() {
  const received: Received[] = [];
  const is: { status: number | 'hangs' } = { status: 204 };
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      const body = JSON.parse(text) as Received['body'];
      const id = String(request.headers['webhook-id']);
      received.push({ id, type: body.type, headers: request.headers, text, body });
      if (is.status !== 'hangs') response.writeHead(is.status, { location: 'http://127.0.0.1:1/' }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { received, is, url: `http://127.0.0.1:${port}/hook`, types: () => received.map(({ type }) => type) };
}

/** Is a message signed with this secret, as the specification has it? */
export function isSigned(secret: string, { headers, text }: Received): boolean {
  const [id, at] = [headers['webhook-id'], headers['webhook-timestamp']].map(String);
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${at}.${text}`).digest('base64');
  return headers['webhook-signature'] === `v1,${signature}`;
}
