import { isConnectFailure } from '@dotmac/core/net';
import { defineProbe, WrongAnswer, type Probe } from '@dotmac/health';
import { communityConversation, understood } from './conversation.js';
import { errorFault, type Fault } from './faults.js';
import { createKeyring } from './keyring.js';
import type { Pdu } from './message.js';
import { nameOf, plainOid, snmpSettings, type AskedObject, type SnmpSettings } from './settings.js';
import { userConversation } from './user-conversation.js';
import { valueOf, type Value } from './values.js';

/** To the first repetition of a question; each further one waits twice as long. */
const resendAfterMs = 1_000;

/**
 * Asks an agent for objects, by SNMPv2c or by SNMPv3 with the user-based security model, in one question. What is no
 * answer is passed over, as anybody may have sent it. With SNMPv3 the response time is that of the whole conversation:
 * who the agent is, then the question.
 *
 * @example
 * createHealth({ store, secret, probes: [snmpProbe()] });
 */
export function snmpProbe(): Probe<SnmpSettings> {
  const keyring = createKeyring();
  return defineProbe({
    serviceType: 'snmp',
    summary: 'Asks an SNMP agent for objects, and judges their values.',
    addressing: 'port',
    config: snmpSettings,
    facts: ['values'],
    secret: ['community', 'auth.key', 'privacy.key'],
    async run({ connector, host, port, timeoutMs, signal, config }) {
      const oids = config.oids.map(({ oid }) => plainOid(oid));
      const conversation =
        config.version === '3'
          ? userConversation(config, oids, keyring)
          : communityConversation(config.community ?? 'public', oids);
      const { reply, dnsMs, tookMs } = await connector
        .exchange({
          host,
          port,
          timeoutMs,
          signal,
          resendAfterMs,
          message: conversation.first,
          accept: (datagram, say) => conversation.hear(datagram, say),
        })
        .catch((error: unknown) => {
          const silence = isConnectFailure(error) && error.code === 'timeout' ? conversation.silence() : undefined;
          throw silence === undefined ? error : new WrongAnswer(silence.message, silence);
        });
      const phases = { dnsMs, firstByteMs: tookMs };
      const judged = 'fault' in reply ? reply : judge(reply.pdu, config.oids, oids);
      if ('fault' in judged) {
        const { code, message } = judged.fault;
        throw new WrongAnswer(message, { code, responseTimeMs: tookMs, phases });
      }
      const { values, worry } = judged;
      const message = `Answered ${oids.length} ${oids.length === 1 ? 'object' : 'objects'}`;
      return {
        responseTimeMs: tookMs,
        message,
        phases,
        facts: { values },
        ...(worry && { degraded: worry.message, code: worry.code }),
      };
    },
  });
}

/** What an answer comes to: its values by name, or what is wrong with it. */
function judge(
  { errorStatus, variables }: Pdu,
  asked: readonly AskedObject[],
  oids: readonly string[],
): { values: Record<string, Value>; worry: Fault | undefined } | { fault: Fault } {
  if (errorStatus !== 0) return { fault: errorFault(errorStatus) };
  if (variables.length !== oids.length || variables.some(({ oid }, index) => oid !== oids[index]))
    return { fault: { code: 'answer_mismatched', message: 'The answer is to another question' } };
  const values = understood(() => variables.map(({ value }) => valueOf(value)));
  if (!values) return { fault: { code: 'answer_malformed', message: 'The answer has a value that is none' } };
  const found = asked.map((object, index) => ({ object, name: nameOf(object), value: values[index] }));
  const missing = found.find(({ object, value }) => value === undefined && !object.optional);
  if (missing)
    return { fault: { code: 'object_missing', message: `The agent has no ${JSON.stringify(missing.name)}` } };
  const there = found.filter(({ value }) => value !== undefined);
  const outside = (severity: 'critical' | 'warning'): Fault | undefined => {
    const message = there.flatMap(({ object, name, value }) => outsideOf(name, value, object[severity]) ?? []).at(0);
    return message === undefined ? undefined : { code: 'value_outside', message };
  };
  const fault = outside('critical');
  if (fault) return { fault };
  return { values: Object.fromEntries(there.map(({ name, value }) => [name, value])), worry: outside('warning') };
}

const digits = /^-?\d+(?:\.\d+)?$/;

/** Which bound a value is outside of. The value itself is the agent's to tell, and not told. */
function outsideOf(name: string, value: Value, bounds: AskedObject['warning']): string | undefined {
  if (!bounds) return undefined;
  const number = typeof value === 'string' && digits.test(value) ? Number(value) : value;
  const { min, max } = bounds;
  const label = JSON.stringify(name);
  if (typeof number !== 'number' || Number.isNaN(number)) return `${label} is no number`;
  if (min !== undefined && number < min) return `${label} is below ${min}`;
  if (max !== undefined && number > max) return `${label} is above ${max}`;
  return undefined;
}
