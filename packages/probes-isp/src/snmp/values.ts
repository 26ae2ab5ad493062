import { NotSnmp, readObjectId, tags, type Element } from './ber.js';

/** A value as conditions see it; undefined when the agent has none. */
export type Value = number | string | null | undefined;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Text where all of it can be read, else hexadecimal bytes, as `00:1b:21:…`. */
function textOf(bytes: Buffer): string {
  try {
    // Agents end text with a zero, some of them.
    const text = utf8.decode(bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes);
    if (!/[^\P{C}\t\r\n]/u.test(text)) return text;
  } catch {
    // Not UTF-8.
  }
  return hexOf(bytes);
}

function hexOf(bytes: Buffer): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** A number, or its digits as text where a number would not be exact. */
function wholeNumber(bytes: Buffer, isSigned: boolean, mostBytes: number): number | string {
  if (bytes.length < 1 || bytes.length > mostBytes) throw new NotSnmp();
  const bits = BigInt(`0x${bytes.toString('hex')}`);
  const value = isSigned ? BigInt.asIntN(8 * bytes.length, bits) : bits;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** Floating-point numbers have no type of their own: they come wrapped (draft-perkins-opaque-01; Net-SNMP). */
function opaqueValue(bytes: Buffer): Value {
  const [wrapped, kind, length] = bytes;
  if (wrapped === 0x9f && kind === 0x78 && length === 4 && bytes.length === 7) return bytes.readFloatBE(3);
  if (wrapped === 0x9f && kind === 0x79 && length === 8 && bytes.length === 11) return bytes.readDoubleBE(3);
  return hexOf(bytes);
}

/** One byte more than the number has, for a zero that keeps it positive. */
const unsigned = (bytes: Buffer): Value => wholeNumber(bytes, false, 5);
const absent = (): Value => undefined;

const readers: Readonly<Record<number, (content: Buffer, whole: Element) => Value>> = {
  [tags.integer]: (content) => wholeNumber(content, true, 4),
  [tags.octets]: textOf,
  [tags.nothing]: () => null,
  [tags.oid]: (_, whole) => readObjectId(whole),
  [tags.ipAddress]: (content) => (content.length === 4 ? content.join('.') : hexOf(content)),
  [tags.counter32]: unsigned,
  [tags.gauge32]: unsigned,
  [tags.timeTicks]: unsigned,
  [tags.opaque]: opaqueValue,
  [tags.counter64]: (content) => wholeNumber(content, false, 9),
  [tags.noSuchObject]: absent,
  [tags.noSuchInstance]: absent,
  [tags.endOfMibView]: absent,
};

/**
 * Reads the value of an object: numbers as numbers (Counter64 beyond 2^53 as digits), TimeTicks in hundredths of a
 * second as the agent counts them, text as text, other bytes in hexadecimal.
 * @throws NotSnmp when it is of no type of SNMP's
 */
export function valueOf(whole: Element): Value {
  const read = readers[whole.tag];
  if (!read) throw new NotSnmp();
  return read(whole.content, whole);
}
