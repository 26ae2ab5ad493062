import {
  element,
  integer,
  objectId,
  partsOf,
  readElement,
  readInteger,
  tags,
  type Element,
} from '../../src/snmp/ber.js';
import { messageParts } from '../../src/snmp/message.js';
import { readSecured, writeSecured, type Engine, type Keys } from '../../src/snmp/secured-message.js';
import { decrypt, localKey, masterKey } from '../../src/snmp/security.js';

/** sysName, and what it is here. */
export const sysName = '1.3.6.1.2.1.1.5.0';
export const octets = (content: string | Buffer) => element(tags.octets, Buffer.from(content as string));

/** What an agent says of a question. */
export interface Said {
  tag?: number;
  requestId?: number;
  errorStatus?: number;
  variables?: readonly (readonly [oid: string, value: Buffer])[];
}
const right = [[sysName, octets('core')]] as const;

/** Writes an answer or a report. */
export function pdu({ tag = tags.response, requestId = 0, errorStatus = 0, variables = right }: Said): Buffer {
  const pairs = variables.map(([oid, value]) => element(tags.sequence, objectId(oid), value));
  return element(tag, integer(requestId), integer(errorStatus), integer(0), element(tags.sequence, ...pairs));
}

/** The number of a question of 2c. */
export const numberOf = (question: Buffer): number => readInteger(partsOf(messageParts(question)[2], tags.get)[0]);

/** A message of 2c that answers a question. */
export function answer(question: Buffer, said: Said = {}, { community = 'right', version = 1 } = {}): Buffer {
  const body = pdu({ requestId: numberOf(question), ...said });
  return element(tags.sequence, integer(version), octets(community), body);
}

/** An agent's engine, its only user, and what he signs with. */
export const engine: Engine = { id: Buffer.from('8000000001020304', 'hex'), boots: 3, time: 1_000 };
export const user = { username: 'monitor', protocol: 'sha256', key: 'the-right-key' } as const;
export const keysAt = (id: Buffer): Keys => ({
  auth: { protocol: 'sha256', key: localKey('sha256', masterKey('sha256', Buffer.from(user.key)), id) },
});
const userStats = (counter: number) => `1.3.6.1.6.3.15.1.1.${counter}.0`;

/** Whether a message of version 3 asks who the agent is. */
export const isDiscovery = (question: Buffer): boolean => readSecured(question).engine.id.length === 0;

/** A report on a question of version 3. */
export function report(question: Buffer, counter: number, from: Engine = engine, keys: Keys = {}): Buffer {
  const body = pdu({ tag: tags.report, variables: [[userStats(counter), element(tags.counter32, Buffer.from([1]))]] });
  return writeSecured({ id: readSecured(question).id, user: '', context: '', engine: from, keys }, body);
}

const scopedNumber = (scoped: Element): number => readInteger(partsOf(partsOf(scoped, tags.sequence)[2], tags.get)[0]);

/** The number of a question that is encrypted with AES. */
export function hiddenNumberOf(question: Buffer, key: Buffer): number {
  const { engine: of, salt, data } = readSecured(question);
  return scopedNumber(readElement(decrypt('aes', key, of, salt, data.content) ?? Buffer.alloc(0)).element);
}

/** An answer to a question of version 3; the number of one that is encrypted must be given. */
export function securedAnswer(
  question: Buffer,
  more: { said?: Said; keys?: Keys; as?: string; from?: Engine; id?: number; requestId?: number } = {},
): Buffer {
  const { id: asked, data } = readSecured(question);
  const { said = {}, keys = keysAt(engine.id), as = user.username, from = engine, id = asked } = more;
  const requestId = more.requestId ?? scopedNumber(data);
  return writeSecured({ id, user: as, context: '', engine: from, keys }, pdu({ requestId, ...said }));
}

/** The time at the agent that a question was signed for. */
export const timeIn = (question: Buffer) => {
  const { boots, time } = readSecured(question).engine;
  return { boots, time };
};
