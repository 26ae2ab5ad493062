import { SocketAddress } from 'node:net';
import { WrongAnswer } from '../probe.js';

/** More names than this are not followed in one name; one of 255 bytes cannot need more. */
const mostPointers = 127;
const longestName = 255;
const headerBytes = 12;

/**
 * Reads a name, in lower case without the final dot; the root is `.`. A pointer must lead back before all that was read
 * of the name, so every name ends (RFC 1035, 4.1.4). Bytes that are no plain letters are written `\046`.
 * @throws WrongAnswer when it is none
 */
export function readName(message: Buffer, from: number, limit: number): { text: string; next: number } {
  const labels: string[] = [];
  let [at, lowest, end, length, pointers] = [from, from, limit, 1, 0];
  let next: number | undefined;
  for (;;) {
    const size = at < end ? (message[at] ?? 0) : -1;
    if (size === 0) return { text: labels.join('.') || '.', next: next ?? at + 1 };
    if (size >= 0xc0 && at + 2 <= end) {
      next ??= at + 2;
      at = message.readUInt16BE(at) & 0x3fff;
      if (at >= lowest || at < headerBytes || ++pointers > mostPointers) throw notDns();
      [lowest, end] = [at, message.length];
      continue;
    }
    length += size + 1;
    if (size < 0 || size > 63 || length > longestName || at + 1 + size > end) throw notDns();
    labels.push(labelText(message.toString('latin1', at + 1, at + 1 + size)));
    at += 1 + size;
  }
}

/** RFC 1035, 5.1: `\DDD` for what is not printable, and for what would be read as something else. */
function labelText(label: string): string {
  return label.toLowerCase().replace(/[^!-~]|[.\\]/g, (letter) => `\\${String(letter.charCodeAt(0)).padStart(3, '0')}`);
}

/** Takes a record's data from front to back. */
interface Data {
  number(bytes: 1 | 2 | 4): number;
  take(bytes: number): Buffer;
  name(): string;
  left(): number;
}

const words = (data: Data, ...bytes: (2 | 4)[]): number[] => bytes.map((count) => data.number(count));
const byteText = (data: Data, count: number): string => data.take(count).toString('utf8');

/** How the data of each type reads, by its number. */
const texts: Readonly<Record<number, (data: Data) => string>> = {
  1: (data) => data.take(4).join('.'),
  2: (data) => data.name(),
  5: (data) => data.name(),
  6: (data) => [data.name(), data.name(), ...words(data, 4, 4, 4, 4, 4)].join(' '),
  12: (data) => data.name(),
  15: (data) => [...words(data, 2), data.name()].join(' '),
  16: (data) => {
    const parts: Buffer[] = [];
    while (data.left() > 0) parts.push(data.take(data.number(1)));
    return Buffer.concat(parts).toString('utf8');
  },
  28: (data) => ipv6Text(data.take(16)),
  33: (data) => [...words(data, 2, 2, 2), data.name()].join(' '),
  257: (data) => [data.number(1), byteText(data, data.number(1)).toLowerCase(), byteText(data, data.left())].join(' '),
};

/**
 * A record's data as text, as in zone files but without quotes; undefined for types that nobody asks for here.
 * @throws WrongAnswer when the data is not of its type, or longer
 */
export function textOfRecord(message: Buffer, type: number, start: number, end: number): string | undefined {
  let at = start;
  const take = (bytes: number): Buffer => {
    if (at + bytes > end) throw notDns();
    return message.subarray(at, (at += bytes));
  };
  const text = texts[type]?.({
    number: (bytes) => take(bytes).readUIntBE(0, bytes),
    take,
    name() {
      const name = readName(message, at, end);
      at = name.next;
      return name.text;
    },
    left: () => end - at,
  });
  if (text !== undefined && at !== end) throw notDns();
  return text;
}

/** The short spelling of an IPv6 address (RFC 5952). */
export function shortIpv6(address: string): string {
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

function ipv6Text(bytes: Buffer): string {
  return shortIpv6(Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16)).join(':'));
}

/** What is said of bytes that are no DNS message. */
export function notDns(): WrongAnswer {
  return new WrongAnswer('The answer is not DNS', { code: 'answer_malformed' });
}
