import { isConnectFailure } from '@dotmac/core/net';
import { z } from 'zod';
import { mostLines, type LineReader } from './line-reader.js';
import { defineProbe, WrongAnswer, type Observation, type ProbeContext } from './probe.js';
import { conversing, startTlsProtocol } from './starttls.js';
import { tlsSettings } from './tls-settings.js';

const step = z
  .strictObject({
    /** Sent as it is: line ends belong into it (`\r\n`). At most 4 KiB. */
    send: z.string().min(1).max(4_096).optional().meta({ description: 'Text to send, line ends included' }),
    /** Lines are read until one contains this; at most 200. */
    expect: z.string().min(1).max(1_024).optional().meta({ description: 'Text that a line of the answer contains' }),
  })
  .refine(({ send, expect }) => send !== undefined || expect !== undefined, 'Give send, expect, or both');

/**
 * Connects, and hangs up; in between it can agree on TLS and talk by a script of sent and expected text. The response
 * time is the connection's when that is all there is, else it goes to the last step's answer; the name's resolution
 * is left out of both.
 */
export const tcpProbe = defineProbe({
  serviceType: 'tcp',
  summary: 'Connects, can agree on TLS and expect answers, and hangs up.',
  addressing: 'port',
  config: z.strictObject({
    /** TLS from the start; with `starttls`, how TLS is spoken after the upgrade. */
    tls: tlsSettings.optional().meta({ description: 'Speak TLS' }),
    /** Upgrade to TLS as this protocol does, before the script. */
    starttls: startTlsProtocol.optional(),
    /** What to say and to hear, step by step. */
    script: z.array(step).max(10).default([]).meta({ description: 'What to send and expect, at most 10 steps' }),
  }),
  facts: ['line', 'certificate'],
  secret: ['tls.key'],
  sent: ['script'],
  lacking: ({ tls, starttls, script }) => [
    ...((tls ?? starttls) ? [] : ['certificate']),
    ...(script.some(({ expect }) => expect !== undefined) ? [] : ['line']),
  ],
  run(context) {
    const { tls, starttls, script } = context.config;
    if (!tls && !starttls && script.length === 0) return hangUp(context);
    const wrong = 'The answer is too long';
    return conversing(context, { tls, starttls, wrong, open: true }, async ({ reader, say }) => {
      let line: string | undefined;
      for (const [at, { send, expect }] of script.entries()) {
        if (send !== undefined) say(send);
        if (expect !== undefined) line = await lineWith(expect, reader, at + 1);
      }
      if (line !== undefined) return { message: 'Answered as expected', facts: { line } };
      return { message: tls || starttls ? 'Connected over TLS' : 'Connected' };
    });
  },
});

/** Most checks are no more than this, so it is done without ado. */
async function hangUp({ connector, host, port, timeoutMs, stop }: ProbeContext): Promise<Observation> {
  const { socket, timings } = await connector.connect({ host, port, timeoutMs, signal: stop });
  socket.destroy();
  const { dnsMs, connectMs } = timings;
  return { responseTimeMs: connectMs, message: 'Connected', phases: { dnsMs, connectMs } };
}

/** The next line that contains a text. Other lines and then the end are a wrong answer; the end alone is none. */
async function lineWith(expected: string, reader: LineReader, step: number): Promise<string> {
  const wrong = new WrongAnswer(`The answer to step ${step} is not the expected one`, { code: 'answer_unexpected' });
  for (let lines = 0; lines < mostLines; lines++) {
    const line = await reader.line().catch((error: unknown) => {
      throw lines > 0 && isConnectFailure(error) && error.code === 'reset' ? wrong : error;
    });
    if (line.includes(expected)) return line;
  }
  throw wrong;
}
