import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { LineResult } from '../contract/stream-route.js';
import { wireOf } from '../contract/wire.js';
import { coreErrors } from '../errors/core-errors.js';
import { isOperationError } from '../errors/operation-error.js';
import { header, type HttpRequest } from './exchange.js';
import { cutOff, decode, isCutOff, parseJson, requirePlain } from './parse.js';

/** A longer line is refused, and not kept to its end. */
const longestLine = 65_536;
const mostLines = 100_000;

/**
 * Reads a body of lines of JSON (`application/x-ndjson`): each is checked by itself, and one that is refused holds
 * nobody up. Lines are read no faster than they are asked for.
 */
export function createLineReader(schema: z.ZodType | undefined) {
  const wire = schema && wireOf(schema);
  const check = (line: number, bytes: Buffer | undefined): LineResult<unknown> => {
    const refuse = (message: string): LineResult<unknown> => ({ line, ok: false, issues: [{ path: '', message }] });
    if (bytes === undefined) return refuse(`A line has at most ${longestLine} bytes`);
    try {
      const read = wire?.parse(parseJson(decode(bytes))) ?? { ok: false, issues: [] };
      return read.ok ? { line, ok: true, value: read.value } : { line, ok: false, issues: read.issues };
    } catch (error) {
      return refuse(isOperationError(error) ? error.message : 'The line cannot be read');
    }
  };
  return (request: HttpRequest): AsyncIterable<LineResult<unknown>> => {
    if (!wire) return none();
    const type = header(request, 'content-type') ?? 'of no declared type';
    const { body } = request;
    if (!/^application\/(x-ndjson|ndjson|jsonl|x-jsonlines)\s*(;|$)/i.test(type) || !('stream' in body))
      throw coreErrors.UNSUPPORTED_MEDIA_TYPE({ given: type });
    requirePlain(request);
    return checked(body.stream, check);
  };
}

async function* checked(
  stream: Readable,
  check: (line: number, bytes: Buffer | undefined) => LineResult<unknown>,
): AsyncGenerator<LineResult<unknown>> {
  let line = 0;
  for await (const bytes of linesOf(stream)) {
    line++;
    if (line > mostLines) throw coreErrors.MALFORMED_BODY({ reason: `it has more than ${mostLines} lines` });
    if (bytes?.every(isSpace)) continue;
    yield check(line, bytes);
  }
}

/** What streams say of a request whose client is gone; over HTTP/2 its stream or session may have been closed first. */
const brokenOff = new Set([
  'ECONNRESET',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_HTTP2_STREAM_CANCEL',
  'ERR_HTTP2_SESSION_ERROR',
]);

const newline = 0x0a;
/** What JSON takes for white space. */
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d;

/** The lines of a stream, as bytes, for a character may come in two pieces; undefined for one that is too long. */
async function* linesOf(stream: Readable): AsyncGenerator<Buffer | undefined> {
  let pieces: Buffer[] = [];
  let size = 0;
  const add = (piece: Buffer): void => {
    size += piece.length;
    // Not kept to its end.
    if (size > longestLine) pieces = [];
    else pieces.push(piece);
  };
  const take = (): Buffer | undefined => {
    const line = size > longestLine ? undefined : pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, size);
    [pieces, size] = [[], 0];
    return line;
  };
  if (isCutOff(stream)) throw coreErrors.MALFORMED_BODY(cutOff);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
        add(chunk.subarray(start, end));
        start = end + 1;
        yield take();
      }
      if (start < chunk.length) add(chunk.subarray(start));
    }
  } catch (error) {
    // What else fails is no fault of the client's: a stream that the host put in between, or this.
    if (!brokenOff.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    throw coreErrors.MALFORMED_BODY(cutOff, { cause: error });
  }
  if (size > 0) yield take();
}

async function* none(): AsyncGenerator<never> {}
