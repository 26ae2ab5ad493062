import { randomInt } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { recordTypes, responseCodes, type Answer, type Question } from './dns/message.js';
import { askOverTcp, askOverUdp } from './dns/query.js';
import { shortIpv6 } from './dns/record-text.js';
import { defineProbe, isWrongAnswer, timed, WrongAnswer, type Observation, type ProbeContext } from './probe.js';
import { conversing, type Outcome } from './starttls.js';

const keys = <Name extends string>(table: Record<Name, number>) => Object.keys(table) as [Name, ...Name[]];

const config = z.strictObject({
  /** The name asked for, in ASCII; `.` is the root. */
  name: z
    .string()
    .max(254)
    .regex(/^(?:\.|(?:[!-\-/-[\]-~]{1,63}\.)*[!-\-/-[\]-~]{1,63}\.?)$/, 'Give a domain name in ASCII')
    .refine((name) => name.replace(/\.$/, '').length <= 253, 'A domain name has at most 253 characters')
    .meta({ description: 'The name to ask for', examples: ['www.example.com'] }),
  /** The type of record asked for. Default `A`. */
  type: z.enum(keys(recordTypes)).default('A').meta({ description: 'The type of record to ask for' }),
  /** `udp` goes on over TCP when the answer does not fit. Default `udp`. */
  transport: z.enum(['udp', 'tcp']).default('udp').meta({ description: 'How to ask' }),
  /** The response code that is right. Default `NOERROR`. */
  rcode: z.enum(keys(responseCodes)).default('NOERROR').meta({ description: 'The response code to expect' }),
  /** Each must be among the answers, as facts show them: `192.0.2.1`, `10 mx.example.com`. At most 20. */
  expect: z
    .array(z.string().min(1).max(1_024))
    .max(20)
    .default([])
    .meta({ description: 'Texts that must each be one of the answers', examples: [['10 mx.example.com']] }),
  /** Whether the server shall ask others. Default true. */
  recursion: z.boolean().default(true).meta({ description: 'Let the server ask others' }),
  /** Whether the answer must come from a server of the zone. Default false. */
  authoritative: z.boolean().default(false).meta({ description: 'The answer must be authoritative' }),
});

/** @see config */
type DnsSettings = z.output<typeof config>;

/**
 * Asks a DNS server for a name (RFC 1035). Over UDP, what is not the answer is passed over, since anybody may have sent
 * it; a truncated answer is asked for again over TCP. The response time is that of the answers; resolving the server's
 * own name is left out.
 */
export const dnsProbe = defineProbe({
  serviceType: 'dns',
  summary: 'Asks a DNS server for a name, and looks at its answer.',
  addressing: 'port',
  config,
  facts: ['rcode', 'answers', 'authorities', 'additionals', 'ttl', 'authoritative', 'truncated'],
  async run(context) {
    const { name, type, recursion, transport } = context.config;
    const question: Question = { id: randomInt(0x10000), name, type, recursion };
    if (transport === 'tcp') return overTcp(context, question, false);
    const { clock, timeoutMs } = context;
    const startedAt = clock.monotonic();
    const { answer, dnsMs, tookMs } = await askOverUdp(context, question);
    const spent = { dnsMs, firstByteMs: tookMs };
    if (!answer.truncated) {
      const outcome = timedBy(() => judged(answer, context.config, false), spent);
      return { ...outcome, responseTimeMs: tookMs, phases: spent };
    }
    const leftMs = Math.max(1, timeoutMs - (clock.monotonic() - startedAt));
    const again = await overTcp({ ...context, timeoutMs: leftMs }, { ...question, id: randomInt(0x10000) }, true);
    const { dnsMs: againDnsMs = 0, firstByteMs = 0, ...rest } = again.phases ?? {};
    const phases = { ...rest, dnsMs: dnsMs + againDnsMs, firstByteMs: tookMs + firstByteMs };
    return { ...again, responseTimeMs: tookMs + again.responseTimeMs, phases };
  },
});

/** Gives a wrong answer the time that it took. */
function timedBy<Result>(judge: () => Result, phases: { dnsMs: number; firstByteMs: number }): Result {
  try {
    return judge();
  } catch (error) {
    if (!isWrongAnswer(error)) throw error;
    throw timed(error, phases.firstByteMs, phases);
  }
}

function overTcp(
  context: Omit<ProbeContext<DnsSettings>, 'signal'>,
  question: Question,
  truncated: boolean,
): Promise<Observation> {
  return conversing(context, { wrong: 'The answer is not DNS' }, async (conversation) => {
    const answer = await askOverTcp(conversation, question);
    if (answer.truncated) throw new WrongAnswer('The answer over TCP is truncated', { code: 'answer_truncated' });
    return judged(answer, context.config, truncated);
  });
}

/** What an answer comes to. `truncated` is whether it had not fitted into a datagram. */
function judged(answer: Answer, expected: DnsSettings, truncated: boolean): Outcome {
  const { rcode, authoritative, answers, authorities, additionals } = answer;
  if (rcode !== expected.rcode) throw new WrongAnswer(`Answered ${rcode}`, { code: 'rcode_unexpected' });
  if (expected.authoritative && !authoritative)
    throw new WrongAnswer('The answer is not authoritative', { code: 'answer_not_authoritative' });
  const texts = answers.map(({ text }) => text);
  const found = new Set(texts.map((text) => plain(text, expected)));
  const missing = expected.expect.find((text) => !found.has(plain(text, expected)));
  if (missing !== undefined)
    throw new WrongAnswer(`${JSON.stringify(missing)} is not among the answers`, { code: 'answer_unexpected' });
  const ttl = answers.length > 0 && { ttl: Math.min(...answers.map((each) => each.ttl)) };
  return {
    message: `Answered ${rcode} with ${texts.length} ${texts.length === 1 ? 'record' : 'records'}`,
    facts: { rcode, answers: texts, authorities, additionals, ...ttl, authoritative, truncated },
  };
}

/** Names compare in any case and with or without their last dot, IPv6 addresses in any spelling, other text exactly. */
function plain(text: string, { type }: DnsSettings): string {
  if (type === 'TXT' || type === 'CAA') return text;
  return isIPv6(text) && !text.includes('%') ? shortIpv6(text) : text.toLowerCase().replace(/\.$/, '');
}
