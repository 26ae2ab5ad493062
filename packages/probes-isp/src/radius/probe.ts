import { isConnectFailure } from '@dotmac/core/net';
import { defineProbe, WrongAnswer, type Probe } from '@dotmac/health';
import { readAnswer, writeRequest } from './conversation.js';
import { radiusSettings, type RadiusSettings } from './settings.js';

/** To the first repetition of a request; each further one waits twice as long. */
const resendAfterMs = 1_000;

/**
 * Asks a RADIUS server whether a user may enter (RFC 2865, PAP or CHAP), or how it is itself (Status-Server, RFC 5997).
 * Requests are always signed (RFC 3579). An answer counts when the shared secret verifies it; others are passed over, as
 * anybody may have sent them, and said to have come when no better one did until the time was over.
 *
 * @example
 * createHealth({ store, secret, probes: [radiusProbe()] });
 */
export function radiusProbe(): Probe<RadiusSettings> {
  return defineProbe({
    serviceType: 'radius',
    summary: 'Asks a RADIUS server whether a user may enter, or for its own status.',
    addressing: 'port',
    config: radiusSettings,
    facts: ['answer', 'signed', 'messages'],
    secret: ['secret', 'auth.password'],
    async run({ connector, host, port, timeoutMs, signal, config }) {
      const request = writeRequest(config);
      let unverified = false;
      const { reply, dnsMs, tookMs } = await connector
        .exchange({
          host,
          port,
          timeoutMs,
          signal,
          resendAfterMs,
          message: request.bytes,
          accept(datagram) {
            const answer = readAnswer(datagram, request, config);
            if (answer !== 'unverified') return answer;
            unverified = true;
            return undefined;
          },
        })
        .catch((error: unknown) => {
          if (!(unverified && isConnectFailure(error) && error.code === 'timeout')) throw error;
          throw new WrongAnswer('The shared secret does not verify the answer', { code: 'answer_unverified' });
        });
      const phases = { dnsMs, firstByteMs: tookMs };
      const message = `Answered ${reply.verdict}`;
      const took = { responseTimeMs: tookMs, phases };
      if (config.expect !== 'any' && reply.verdict !== config.expect)
        throw new WrongAnswer(message, { code: 'answer_unexpected', ...took });
      if (config.signed && !reply.signed)
        throw new WrongAnswer('The answer is not signed', { code: 'answer_unverified', ...took });
      const facts = { answer: reply.verdict, signed: reply.signed, messages: reply.messages };
      return { responseTimeMs: tookMs, message, phases, facts };
    },
  });
}
