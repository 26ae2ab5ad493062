import { notDns, readName, textOfRecord } from './record-text.js';
import { WrongAnswer } from '../probe.js';

/** The record types that can be asked for, by their numbers (RFC 1035, 3596, 2782, 8659). */
export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  CAA: 257,
} as const;

/** @see recordTypes */
export type RecordType = keyof typeof recordTypes;

/** The response codes that have a name, by number (RFC 1035, 2136, 6891, 7873). */
export const responseCodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  BADVERS: 16,
  BADCOOKIE: 23,
} as const;
const codeNames = new Map<number, string>(Object.entries(responseCodes).map(([name, code]) => [code, name]));

/** A question to a DNS server. */
export interface Question {
  /** 0 to 65,535; the answer must bear the same. */
  id: number;
  /** With or without the final dot; `.` is the root. */
  name: string;
  type: RecordType;
  /** Whether the server shall ask others. */
  recursion: boolean;
}

/** A DNS server's answer, as far as it is looked at. */
export interface Answer {
  /** A name of {@link responseCodes}, or `RCODE` and the number. */
  rcode: string;
  authoritative: boolean;
  /** It did not fit; then there are no answers here, for they may break off anywhere. */
  truncated: boolean;
  answers: readonly { ttl: number; text: string }[];
  /** How many records there are in these sections; EDNS's own is none. */
  authorities: number;
  additionals: number;
}

const internet = 1;
const optType = 41;
const headerBytes = 12;
/** What fits into a datagram on every path (DNS flag day 2020). */
const ednsBytes = 1_232;
const flags = { response: 0x8000, opcode: 0x7800, authoritative: 0x0400, truncated: 0x0200, recursion: 0x0100 };

/** Writes a question with EDNS(0) (RFC 1035, 4.1; RFC 6891, 6.1). */
export function writeQuestion({ id, name, type, recursion }: Question): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(recursion ? flags.recursion : 0, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(1, 10);
  const labels = name.split('.').filter((label) => label !== '');
  const bytes = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]);
  const asked = Buffer.from([0, recordTypes[type] >> 8, recordTypes[type] & 0xff, 0, internet]);
  const opt = Buffer.from([0, 0, optType, ednsBytes >> 8, ednsBytes & 0xff, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...bytes, asked, opt]);
}

/**
 * Reads the answer to a question, which it must repeat (RFC 5452, 9.1).
 * @throws WrongAnswer when it is no DNS message, or answers something else
 */
export function readAnswer(message: Buffer, question: Question): Answer {
  if (message.length < headerBytes) throw notDns();
  const bits = message.readUInt16BE(2);
  const asked = writeQuestion(question).subarray(headerBytes, -11);
  const repeated = message.subarray(headerBytes, headerBytes + asked.length);
  const sameQuestion = message.readUInt16BE(4) === 1 && lowerCase(repeated).equals(lowerCase(asked));
  const responds = (bits & flags.response) !== 0 && (bits & flags.opcode) === 0;
  if (!responds || message.readUInt16BE(0) !== question.id || !sameQuestion)
    throw new WrongAnswer('The answer is to another question', { code: 'answer_mismatched' });
  const head = {
    authoritative: (bits & flags.authoritative) !== 0,
    truncated: (bits & flags.truncated) !== 0,
    answers: [],
    authorities: 0,
    additionals: 0,
  };
  let code = bits & 0x0f;
  if (head.truncated) return { ...head, rcode: nameOf(code) };
  let at = headerBytes + asked.length;
  const section = (offset: number): ResourceRecord[] =>
    Array.from({ length: message.readUInt16BE(offset) }, () => {
      const record = readRecord(message, at);
      at = record.end;
      return record;
    });
  const [answers, authorities, additionals] = [section(6), section(8), section(10)];
  const opt = additionals.find(({ type }) => type === optType);
  if (opt) code |= (opt.ttl >>> 24) << 4;
  return {
    ...head,
    rcode: nameOf(code),
    answers: answers.flatMap(({ type, internetClass, ttl, start, end }) => {
      const text = internetClass ? textOfRecord(message, type, start, end) : undefined;
      // The highest bit is no part of the number (RFC 2181, 8).
      return text === undefined ? [] : [{ ttl: ttl > 0x7fffffff ? 0 : ttl, text }];
    }),
    authorities: authorities.length,
    additionals: additionals.filter(({ type }) => type !== optType).length,
  };
}

/** A record: what it is, and where its data begins and ends. */
interface ResourceRecord {
  type: number;
  internetClass: boolean;
  ttl: number;
  start: number;
  end: number;
}

/** Each takes 11 bytes at least, so there are never more of them than the message has room for. */
function readRecord(message: Buffer, from: number): ResourceRecord {
  const { next: at } = readName(message, from, message.length);
  const start = at + 10;
  if (start > message.length) throw notDns();
  const end = start + message.readUInt16BE(at + 8);
  if (end > message.length) throw notDns();
  const [type, internetClass] = [message.readUInt16BE(at), message.readUInt16BE(at + 2) === internet];
  return { type, internetClass, ttl: message.readUInt32BE(at + 4), start, end };
}

/** Names are the same in any case; the lengths of labels are no letters, for they end at 63. */
function lowerCase(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
}

function nameOf(code: number): string {
  return codeNames.get(code) ?? `RCODE ${code}`;
}
