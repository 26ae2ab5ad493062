import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { LineResult } from '../contract/route.js';
import { wireOf } from '../contract/wire.js';
import { coreErrors } from '../errors/core-errors.js';
import { isOperationError } from '../errors/operation-error.js';
import { header, type HttpRequest } from './exchange.js';
import { parseJson } from './parse.js';

/** A longer line is refused, and not kept to its end. */
const longestLine = 65_536;
const mostLines = 100_000;

/**
 * Reads a body of lines of JSON (`application/x-ndjson`): each is checked by itself, and one that is refused holds
 * nobody up. Lines are read no faster than they are asked for.
 */
export function createLineReader(schema: z.ZodType | undefined) {
  const wire = schema && wireOf(schema);
  const check = (line: number, text: string | undefined): LineResult<unknown> => {
    const refuse = (message: string): LineResult<unknown> => ({ line, ok: false, issues: [{ path: '', message }] });
    if (text === undefined) return refuse(`A line has at most ${longestLine} bytes`);
    try {
      const read = wire?.parse(parseJson(text)) ?? { ok: false, issues: [] };
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
    return checked(body.stream, check);
  };
}

async function* checked(
  stream: Readable,
  check: (line: number, text: string | undefined) => LineResult<unknown>,
): AsyncGenerator<LineResult<unknown>> {
  let line = 0;
  for await (const text of linesOf(stream)) {
    line++;
    if (text?.trim() === '') continue;
    if (line > mostLines) throw coreErrors.MALFORMED_BODY({ reason: `it has more than ${mostLines} lines` });
    yield check(line, text);
  }
}

/** The lines of a stream; undefined for one that is too long. */
async function* linesOf(stream: Readable): AsyncGenerator<string | undefined> {
  const decoder = new StringDecoder('utf8');
  let [rest, isTooLong] = ['', false];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const parts = (rest + decoder.write(chunk)).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      yield isTooLong || part.length > longestLine ? undefined : part;
      isTooLong = false;
    }
    if (rest.length > longestLine) [rest, isTooLong] = ['', true];
  }
  rest += decoder.end();
  if (isTooLong || rest !== '') yield isTooLong ? undefined : rest;
}

async function* none(): AsyncGenerator<never> {}
