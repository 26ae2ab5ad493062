import { request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectFailure } from '@dotmac/core/net';
import { z } from 'zod';
import { defineProbe, WrongAnswer, type ProbeContext } from './probe.js';

/**
 * Sends `GET /` and judges the status: 5xx is wrong, everything below is an answer. Redirects are answers, and are not
 * followed. Over https the certificate must be valid for the host.
 */
export const httpProbe = (secure: boolean) =>
  defineProbe({
    serviceType: secure ? 'https' : 'http',
    summary: 'Sends GET / and judges the status.',
    addressing: 'port',
    config: z.strictObject({}),
    facts: ['status'],
    async run(context) {
      const { connector, host, port, timeoutMs, signal } = context;
      const started = performance.now();
      const tls = secure ? { servername: host, alpnProtocols: ['http/1.1'] } : undefined;
      const { socket, timings } = await connector.connect({ host, port, timeoutMs, signal, ...(tls && { tls }) });
      try {
        const status = await answerOf(socket, context);
        const responseTimeMs = performance.now() - started - timings.dnsMs;
        const message = `Answered HTTP ${status}`;
        if (status >= 500) throw new WrongAnswer(message, responseTimeMs, timings);
        return { responseTimeMs, message, phases: timings, facts: { status } };
      } finally {
        socket.destroy();
      }
    },
  });

/** The status of the answer; the body is not read. */
function answerOf(socket: Socket, { host, port, signal }: ProbeContext): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host,
      port,
      path: '/',
      headers: { 'user-agent': 'dotmac-health', accept: '*/*', connection: 'close' },
      createConnection: () => socket,
      signal,
    });
    sent.on('response', (response: IncomingMessage) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    // An upgrade that nobody asked for ends without an 'error'. After any other event this changes nothing.
    sent.on('close', () => reject(new WrongAnswer('The answer is not HTTP', null)));
    sent.on('error', () => {
      if (signal.aborted) reject(signal.reason as ConnectFailure);
      else reject(new WrongAnswer('The answer is not HTTP', null));
    });
    sent.end();
  });
}
