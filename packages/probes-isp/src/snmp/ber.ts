/** The tags of SNMP (RFC 1155, 1905, 3416). */
export const tags = {
  integer: 0x02,
  octets: 0x04,
  nothing: 0x05,
  oid: 0x06,
  sequence: 0x30,
  ipAddress: 0x40,
  counter32: 0x41,
  gauge32: 0x42,
  timeTicks: 0x43,
  opaque: 0x44,
  counter64: 0x46,
  noSuchObject: 0x80,
  noSuchInstance: 0x81,
  endOfMibView: 0x82,
  get: 0xa0,
  response: 0xa2,
  report: 0xa8,
} as const;

/** Bytes that are no SNMP message. */
export class NotSnmp extends Error {}

/** A tag and what stands under it. */
export interface Element {
  tag: number;
  content: Buffer;
}

/** Writes an element (X.690, 8.1), its length in as few bytes as it takes. */
export function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  const long = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...long]), ...content]);
}

/** Writes a whole number of at most 32 bits, signed. */
export function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  let from = 0;
  // The highest bit says which sign it has: a byte before it that says the same is left out.
  while (from < 3 && bytes[from] === ((bytes[from + 1] ?? 0) & 0x80 ? 0xff : 0)) from++;
  return element(tags.integer, bytes.subarray(from));
}

/** Writes the name of an object, such as `1.3.6.1.2.1.1.3.0`. */
export function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = arcsOf(text);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc % 0x80];
    for (let left = Math.floor(arc / 0x80); left > 0; left = Math.floor(left / 0x80))
      groups.unshift(0x80 + (left % 0x80));
    return groups;
  });
  return element(tags.oid, Buffer.from(bytes));
}

/** The numbers of an object's name. */
export function arcsOf(text: string): number[] {
  return text.split('.').filter(Boolean).map(Number);
}

/**
 * Reads one element, and where the next one begins.
 * @throws NotSnmp when it is not all there
 */
export function readElement(bytes: Buffer, from = 0): { element: Element; next: number } {
  const [tag, short] = [bytes[from], bytes[from + 1]];
  if (tag === undefined || short === undefined) throw new NotSnmp();
  const more = short < 0x80 ? 0 : short - 0x80;
  // No length that a datagram can have needs more than four bytes; one without an end has none.
  if (short === 0x80 || more > 4 || from + 2 + more > bytes.length) throw new NotSnmp();
  const start = from + 2 + more;
  const length = more === 0 ? short : bytes.readUIntBE(from + 2, more);
  if (start + length > bytes.length) throw new NotSnmp();
  return { element: { tag, content: bytes.subarray(start, start + length) }, next: start + length };
}

/**
 * The elements that bytes are made of.
 * @throws NotSnmp when something is left over
 */
function elementsIn(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const read = readElement(bytes, at);
    elements.push(read.element);
    at = read.next;
  }
  return elements;
}

/**
 * The parts of an element that has one of these tags.
 * @throws NotSnmp when it has another
 */
export function partsOf(whole: Element | undefined, ...wanted: readonly number[]): Element[] {
  return elementsIn(contentOf(whole, ...wanted));
}

/**
 * What stands in an element that has one of these tags.
 * @throws NotSnmp when it has another
 */
export function contentOf(whole: Element | undefined, ...wanted: readonly number[]): Buffer {
  if (!whole || !wanted.includes(whole.tag)) throw new NotSnmp();
  return whole.content;
}

/**
 * Reads a whole number of at most 32 bits, signed.
 * @throws NotSnmp
 */
export function readInteger(whole: Element | undefined): number {
  const content = contentOf(whole, tags.integer);
  if (content.length < 1 || content.length > 4) throw new NotSnmp();
  return content.readIntBE(0, content.length);
}

/**
 * Reads the name of an object.
 * @throws NotSnmp
 */
export function readObjectId(whole: Element | undefined): string {
  const content = contentOf(whole, tags.oid);
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 0x80 + (byte & 0x7f);
    if (arc > 0xffffffff + 80) throw new NotSnmp();
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first] = arcs;
  if (first === undefined || arcs.length > 128 || (content.at(-1) ?? 0) >= 0x80) throw new NotSnmp();
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - 40 * top, ...arcs.slice(1)].join('.');
}
