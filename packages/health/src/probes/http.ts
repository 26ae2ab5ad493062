import { request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ConnectFailure } from '@dotmac/core/net';
import { WrongAnswer, type Probe, type ProbeContext } from './probe.js';

/**
 * Sends `GET /` and judges the status: 5xx is wrong, everything below is an answer. Redirects are answers, and are not
 * followed. Over https the certificate must be valid for the host.
 */
export const httpProbe =
  (secure: boolean): Probe =>
  async (context) => {
    const { connector, host, port, timeoutMs, signal } = context;
    const started = performance.now();
    const tls = secure ? { servername: host, alpnProtocols: ['http/1.1'] } : undefined;
    const { socket, timings } = await connector.connect({ host, port, timeoutMs, signal, ...(tls && { tls }) });
    try {
      const sinceStart = (): number => performance.now() - started - timings.dnsMs;
      const remainingMs = Math.max(1, timeoutMs - (performance.now() - started));
      const statusCode = await answerOf(socket, context, remainingMs);
      const responseTimeMs = sinceStart();
      if (statusCode >= 500) throw new WrongAnswer(`Answered HTTP ${statusCode}`, responseTimeMs);
      return { responseTimeMs, message: `Answered HTTP ${statusCode}` };
    } finally {
      socket.destroy();
    }
  };

/** The status of the answer; the body is not read. */
function answerOf(socket: Socket, { host, port, signal }: ProbeContext, remainingMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const deadline = AbortSignal.timeout(Math.ceil(remainingMs));
    const sent = request({
      host,
      port,
      path: '/',
      headers: { 'user-agent': 'dotmac-health', accept: '*/*', connection: 'close' },
      createConnection: () => socket,
      signal: AbortSignal.any([signal, deadline]),
    });
    sent.on('response', (response: IncomingMessage) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    // An upgrade that nobody asked for ends without an 'error'. After any other event this changes nothing.
    sent.on('close', () => reject(new WrongAnswer('The answer is not HTTP', null)));
    sent.on('error', () => {
      if (deadline.aborted) reject(new ConnectFailure('timeout'));
      else if (signal.aborted) reject(new ConnectFailure('aborted'));
      else reject(new WrongAnswer('The answer is not HTTP', null));
    });
    sent.end();
  });
}
