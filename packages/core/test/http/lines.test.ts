import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { HttpRequest } from '../../src/http/exchange.js';
import { createLineReader } from '../../src/http/lines.js';

const named = z.object({ name: z.string().max(70_000) });

const requestOf = (stream: Readable, headers: Record<string, string> = {}): HttpRequest =>
  ({ headers: { 'content-type': 'application/x-ndjson', ...headers }, body: { stream } }) as unknown as HttpRequest;

/** What a body comes to that arrives in these chunks: names, or why a line was refused. */
async function read(chunks: readonly Buffer[], headers: Record<string, string> = {}): Promise<string[]> {
  const request = requestOf(Readable.from(chunks, { objectMode: false }), headers);
  const found: string[] = [];
  for await (const it of createLineReader(named)(request))
    found.push(`${it.line} ${it.ok ? (it.value as z.output<typeof named>).name : (it.issues[0]?.message ?? '')}`);
  return found;
}
const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding);

describe('lines of JSON', () => {
  it('are read however they come in pieces, blank ones passed over', async () => {
    const body = bytes('{"name":"größe"}\r\n \t\r\n\n{"name":"漢"}');
    for (let size = 1; size <= body.length; size++) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < body.length; at += size) chunks.push(body.subarray(at, at + size));
      expect(await read(chunks)).toEqual(['1 größe', '4 漢']);
    }
  });

  it('may begin with a mark of their byte order, as Windows writes it', async () => {
    expect(await read([bytes('\ufeff{"name":"first"}\n{"name":"second"}\n')])).toEqual(['1 first', '2 second']);
  });

  it('are refused when they are no UTF-8, and not read as something else', async () => {
    const found = await read([bytes('{"name":"café"}\n', 'latin1'), bytes('{"name":"café"}\n')]);
    expect(found).toEqual(['1 The request body cannot be read: it is not UTF-8.', '2 café']);
  });

  it('are refused when they are too long, and what follows is read', async () => {
    const long = bytes(`{"name":"${'x'.repeat(65_536)}"}`);
    const most = `{"name":"${'y'.repeat(65_536 - 11)}"}`;
    const found = await read([long.subarray(0, 40_000), long.subarray(40_000), bytes(`\n${most}\n`), long]);
    expect(found.map((it) => it.slice(0, 12))).toEqual(['1 A line has', '2 yyyyyyyyyy', '3 A line has']);
  });

  it('are so many at most, blank ones among them', async () => {
    const most = Buffer.alloc(100_000, '\n');
    expect(await read([most])).toEqual([]);
    await expect(read([most, bytes(' \n')])).rejects.toMatchObject({ code: 'MALFORMED_BODY' });
  });

  /** Reads a stream that fails midway. */
  async function readUntil(failure: unknown): Promise<{ found: unknown[]; met: unknown }> {
    function* failing() {
      yield bytes('{"name":"first"}\n{"na');
      throw failure;
    }
    const found: unknown[] = [];
    try {
      for await (const it of createLineReader(named)(requestOf(Readable.from(failing())))) found.push(it);
      return { found, met: undefined };
    } catch (met) {
      return { found, met };
    }
  }

  it.each(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_HTTP2_STREAM_ERROR'])(
    'are no fault of ours when their client breaks off (%s)',
    async (code) => {
      const cause = Object.assign(new Error('aborted'), { code });
      const { found, met } = await readUntil(cause);
      expect(met).toMatchObject({ code: 'MALFORMED_BODY', details: { reason: 'it was cut off' } });
      expect((met as Error).cause).toBe(cause);
      expect(found).toEqual([{ line: 1, ok: true, value: { name: 'first' } }]);
    },
  );

  it('are cut off where their stream is gone before they are read', async () => {
    const gone = Readable.from([bytes('{"name":"first"}\n')]).destroy();
    const reading = createLineReader(named)(requestOf(gone))[Symbol.asyncIterator]().next();
    await expect(reading).rejects.toMatchObject({ code: 'MALFORMED_BODY' });
  });

  it.each([new TypeError('of ours'), Object.assign(new Error('of the host'), { code: 'ERR_DECRYPT' })])(
    'are no fault of their client when their stream fails otherwise (%s)',
    async (failure) => {
      const { found, met } = await readUntil(failure);
      expect(met).toBe(failure);
      expect(found).toHaveLength(1);
    },
  );

  it.each([
    ['is of another type', { 'content-type': 'application/json' }],
    ['is compressed', { 'content-encoding': 'gzip' }],
  ])('are not looked for in a body that %s', async (_, headers) => {
    await expect(read([bytes('{"name":"x"}')], headers)).rejects.toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' });
  });
});
