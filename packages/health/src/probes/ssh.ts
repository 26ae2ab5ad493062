import { isConnectFailure } from '@dotmac/core/net';
import { z } from 'zod';
import type { LineReader } from './line-reader.js';
import { defineProbe, WrongAnswer } from './probe.js';
import { conversing } from './starttls.js';

const wrong = 'The answer is not SSH';
/** The most lines before the identification, and the most characters in it, its end (two) included. */
const mostLinesBefore = 50;
const longestIdentification = 255;

/**
 * Reads a server's identification (RFC 4253, 4.2), which must be of version 2.0, or 1.99 for both. The response time
 * goes to it, without the name's resolution.
 */
export const sshProbe = defineProbe({
  serviceType: 'ssh',
  summary: 'Reads the identification of an SSH server, which must be of version 2.',
  addressing: 'port',
  config: z.strictObject({
    /** What the name of the server's software must begin with, such as `OpenSSH_9`. */
    software: z.string().min(1).max(200).optional().meta({ description: 'What the software must begin with' }),
  }),
  facts: ['protocol', 'software'],
  run(context) {
    return conversing(context, { wrong }, async ({ reader, say, elapsed }) => {
      const identification = await identificationFrom(reader);
      const responseTimeMs = elapsed();
      // Without it, some servers log an attempt of somebody who did not say who they are.
      say('SSH-2.0-dotmac\r\n');
      const [, protocol, software = ''] = /^SSH-([^-]*)-([\x21-\x7e]+)(?: |$)/.exec(identification) ?? [];
      if (protocol === undefined) throw new WrongAnswer(wrong, { code: 'answer_malformed' });
      if (protocol !== '2.0' && protocol !== '1.99')
        throw new WrongAnswer('The server does not speak SSH 2.0', { code: 'version_unsupported' });
      if (!software.startsWith(context.config.software ?? ''))
        throw new WrongAnswer('The server runs other software than expected', { code: 'answer_unexpected' });
      return { responseTimeMs, message: `Answered SSH ${protocol}`, facts: { protocol, software } };
    });
  },
});

/** The line that begins with `SSH-`; those before it are for people. */
async function identificationFrom(reader: LineReader): Promise<string> {
  for (let before = 0; before <= mostLinesBefore; before++) {
    const line = await reader.line().catch((error: unknown) => {
      throw before > 0 && isConnectFailure(error) && error.code === 'reset'
        ? new WrongAnswer(wrong, { code: 'answer_malformed' })
        : error;
    });
    if (!line.startsWith('SSH-')) continue;
    if (line.length + 2 > longestIdentification) break;
    return line;
  }
  throw new WrongAnswer(wrong, { code: 'answer_malformed' });
}
