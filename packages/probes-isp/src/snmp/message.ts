import {
  contentOf,
  element,
  integer,
  NotSnmp,
  objectId,
  partsOf,
  readElement,
  readInteger,
  readObjectId,
} from './ber.js';
import { tags, type Element } from './ber.js';

/** An object and its value, which is left as it came. */
export interface Variable {
  oid: string;
  value: Element;
}

/** A question or an answer, whatever message it came in (RFC 3416, 3). */
export interface Pdu {
  tag: number;
  requestId: number;
  errorStatus: number;
  errorIndex: number;
  variables: readonly Variable[];
}

const nothing = element(tags.nothing);

/** Writes a question for these objects. */
export function writeGet(requestId: number, oids: readonly string[]): Buffer {
  const variables = oids.map((oid) => element(tags.sequence, objectId(oid), nothing));
  return element(tags.get, integer(requestId), integer(0), integer(0), element(tags.sequence, ...variables));
}

/**
 * Reads an answer or a report.
 * @throws NotSnmp when it is neither
 */
export function readPdu(whole: Element | undefined): Pdu {
  const [requestId, errorStatus, errorIndex, list, ...more] = partsOf(whole, tags.response, tags.report);
  if (!whole || more.length > 0) throw new NotSnmp();
  return {
    tag: whole.tag,
    requestId: readInteger(requestId),
    errorStatus: readInteger(errorStatus),
    errorIndex: readInteger(errorIndex),
    variables: partsOf(list, tags.sequence).map((pair) => {
      const [name, value, ...rest] = partsOf(pair, tags.sequence);
      if (!value || rest.length > 0) throw new NotSnmp();
      return { oid: readObjectId(name), value };
    }),
  };
}

/** How SNMPv2c calls itself in a message. */
const version2c = 1;

/** Writes a message of SNMPv2c (RFC 1901, 3). */
export function writeCommunityMessage(community: string, pdu: Buffer): Buffer {
  return element(tags.sequence, integer(version2c), element(tags.octets, Buffer.from(community)), pdu);
}

/**
 * Reads a message of SNMPv2c.
 * @throws NotSnmp when it is none
 */
export function readCommunityMessage(datagram: Buffer): { community: Buffer; pdu: Pdu } {
  const [version, community, pdu, ...more] = messageParts(datagram);
  if (readInteger(version) !== version2c || more.length > 0) throw new NotSnmp();
  return { community: contentOf(community, tags.octets), pdu: readPdu(pdu) };
}

/**
 * The parts of a message of any version, which fills its datagram.
 * @throws NotSnmp
 */
export function messageParts(datagram: Buffer): Element[] {
  const { element: whole, next } = readElement(datagram);
  if (next !== datagram.length) throw new NotSnmp();
  return partsOf(whole, tags.sequence);
}
