import { isIPv6 } from 'node:net';
import { coreErrors } from '../errors/core-errors.js';
import { remembered } from './remembered.js';

/** A host, once every parser would agree about it. */
export type CanonicalHost = { kind: 'address'; address: string } | { kind: 'name'; name: string };

const longestName = 253;
/** What may not stand in a host: it would end the host in a URL, escape something, or hide on a terminal. */
const forbidden = /[\p{Cc}\s/@#?\\%<>|^]/u;
const nameShape = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * Reads a host as browsers do (WHATWG URL, host parser), so that every spelling of an address (`127.1`, `0x7f.1`,
 * `2130706433`, octal, full-width digits, a final dot) becomes that address before anybody judges it. Names come back
 * in lower-case ASCII without a final dot; IPv6 addresses without brackets, in their shortest form.
 * @throws INVALID_ARGUMENT for an empty or overlong host, zone ids (`fe80::1%lo`), and anything that is more than a
 * host. The text itself is never repeated: it may be a mistyped connection string with a password.
 */
export const canonicalHost = remembered((text): CanonicalHost => {
  if (text === '') throw refuse('it is empty');
  if (text.length > longestName + 1) throw refuse(`it is longer than ${longestName} characters`);
  if (forbidden.test(text)) throw refuse('it holds a character that no host has');
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (isIPv6(bare)) return { kind: 'address', address: parse(`[${bare}]`).slice(1, -1) };
  if (/[:[\]]/.test(text)) throw refuse('it is not an address and not a name');

  const hostname = parse(text).replace(/\.$/, '');
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return { kind: 'address', address: hostname };
  if (hostname.length > longestName || !nameShape.test(hostname)) throw refuse('it is not a name that DNS can hold');
  return { kind: 'name', name: hostname };
});

function parse(host: string): string {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    // The URL error carries its input; it must not travel on.
    throw refuse('it is not an address and not a name');
  }
}

function refuse(reason: string): Error {
  return coreErrors.INVALID_ARGUMENT({ argument: 'host', reason });
}
