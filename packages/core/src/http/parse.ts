import type { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { coreErrors } from '../errors/core-errors.js';
import { isOperationError } from '../errors/operation-error.js';
import { header, type HttpRequest } from './exchange.js';

/** Deeper JSON than this is nobody's configuration, and recursing over it exhausts the stack. */
const deepest = 32;
const tooDeep = { reason: `it nests deeper than ${deepest} levels` };
/** Of a body whose client went away before its end. */
export const cutOff = { reason: 'it was cut off' };

/**
 * The request's JSON body; undefined when there is none. What is announced has to be JSON, or, for a route that takes `nothing`,
 * what comes of it.
 * @throws BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, MALFORMED_BODY
 */
export async function readJsonBody(
  request: HttpRequest,
  limitBytes: number,
  takes: 'json' | 'nothing' = 'json',
): Promise<unknown> {
  const { body } = request;
  const declared = header(request, 'content-length');
  const isAnnounced = declared === undefined ? header(request, 'transfer-encoding') !== undefined : declared !== '0';
  // HTTP/2 announces a body by neither.
  if (!isAnnounced && (declared === '0' || header(request, 'content-type') === undefined)) return undefined;
  if (Number(declared) > limitBytes) throw coreErrors.BODY_TOO_LARGE({ limitBytes });
  if (isAnnounced && takes === 'json') requireJson(request);
  const read = 'parsed' in body ? body.parsed : await readAll(body.stream, limitBytes);
  if (read === undefined || (Buffer.isBuffer(read) && read.length === 0)) return undefined;
  // What some parsers make of no body.
  if (takes === 'nothing' && isDeepStrictEqual(read, {})) return undefined;
  requireJson(request);
  if (Buffer.isBuffer(read)) return parseJson(decode(read));
  return typeof read === 'object' && read !== null ? checked(read) : read;
}

function requireJson(request: HttpRequest): void {
  const type = header(request, 'content-type') ?? 'of no declared type';
  const json = /^application\/(?:[\w.+-]+\+)?json\s*(?:;(.*))?$/i.exec(type);
  const charset = /charset="?([^\s";]+)/i.exec(json?.[1] ?? '')?.[1] ?? 'utf-8';
  if (!json || !/^utf-?8$/i.test(charset)) throw coreErrors.UNSUPPORTED_MEDIA_TYPE({ given: type });
  requirePlain(request);
}

/**
 * Refuses a body that is compressed.
 * @throws UNSUPPORTED_MEDIA_TYPE
 */
export function requirePlain(request: HttpRequest): void {
  const encoding = header(request, 'content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity')
    throw coreErrors.UNSUPPORTED_MEDIA_TYPE({ given: `encoded as ${encoding}` });
}

/**
 * Whether a body was cut off before anybody read it. Over HTTP/2 (Node 20) it ends then as a whole one does, with nothing in
 * it, and only the request's mark tells.
 */
export function isCutOff(stream: Readable & { readonly aborted?: boolean }): boolean {
  return stream.aborted === true;
}

// Events instead of `for await`: one small chunk is the rule, and async iteration costs more than parsing it.
function readAll(stream: Readable, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (finish: () => void): void => {
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      finish();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limitBytes) return void chunks.push(chunk);
      settle(() => reject(coreErrors.BODY_TOO_LARGE({ limitBytes })));
      // The rest is thrown away unread, so that the client gets to see the answer instead of a reset.
      stream.on('error', () => undefined).resume();
    };
    const cut = (): void => settle(() => reject(coreErrors.MALFORMED_BODY(cutOff)));
    const onEnd = (): void =>
      settle(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)));
    const [onError, onClose] = [cut, cut];
    // No event will come of these any more.
    if (stream.destroyed || isCutOff(stream)) return cut();
    if (stream.readableEnded) return reject(coreErrors.MALFORMED_BODY({ reason: 'something read it before' }));
    stream.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Text from UTF-8, a mark of its byte order left out.
 * @throws MALFORMED_BODY
 */
export function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw coreErrors.MALFORMED_BODY({ reason: 'it is not UTF-8' });
  }
}

/**
 * JSON from text, held to what bodies are held to.
 * @throws MALFORMED_BODY
 */
export function parseJson(text: string): unknown {
  if (depthOf(text) > deepest) throw coreErrors.MALFORMED_BODY(tooDeep);
  try {
    return JSON.parse(text, suspicious.test(text) ? refuseTrap : undefined) as unknown;
  } catch (error) {
    throw isOperationError(error) ? error : coreErrors.MALFORMED_BODY({ reason: 'it is not valid JSON' });
  }
}

/** What may be a trap, or may spell one: most bodies are read without looking at each of their values. */
const suspicious = /__proto__|\\u|[:,[\s]-?\d[\d.]*[eE]\+?\d{2}|\d{300}/;

/**
 * An own `__proto__` field is harmless here and a trap for whoever merges the object later. A number beyond what JavaScript
 * has is read as infinite, of which JSON then makes null.
 */
function refuseTrap(key: string, value: unknown): unknown {
  if (key === '__proto__') throw coreErrors.MALFORMED_BODY({ reason: 'it has a field named __proto__' });
  if (value === Infinity || value === -Infinity)
    throw coreErrors.MALFORMED_BODY({ reason: 'it has a number that is larger than any that can be kept' });
  return value;
}

/** What a parser of the host's made is held to the same. */
function checked(value: object, depth = 1): object {
  if (depth > deepest) throw coreErrors.MALFORMED_BODY(tooDeep);
  for (const [key, item] of Object.entries(value) as [string, unknown][]) {
    refuseTrap(key, item);
    if (typeof item === 'object' && item !== null) checked(item, depth + 1);
  }
  return value;
}

/** How deep brackets nest outside strings. */
function depthOf(text: string): number {
  let [depth, deepestSeen, inString] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (inString) {
      if (char === 0x5c) at++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) deepestSeen = Math.max(deepestSeen, ++depth);
    else if (char === 0x7d || char === 0x5d) depth--;
  }
  return deepestSeen;
}
