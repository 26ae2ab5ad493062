import { once } from 'node:events';
import { connect, createServer, type Http2ServerRequest } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { HttpRequest } from '../../src/http/exchange.js';
import { createLineReader } from '../../src/http/lines.js';
import { readJsonBody } from '../../src/http/parse.js';

/** A request that its client broke off, as its server has it. */
async function brokenOff(type: string): Promise<HttpRequest> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  const request = session.request({ ':method': 'POST', 'content-type': type }).on('error', () => undefined);
  request.write('{"name":"first"}\n');
  const [stream] = (await once(server, 'request')) as [Http2ServerRequest];
  request.destroy();
  await once(stream, 'close');
  return { headers: stream.headers, body: { stream } } as unknown as HttpRequest;
}

it('JSON over HTTP/2 that is broken off before it is read is cut off, and not none', async () => {
  const request = await brokenOff('application/json');
  await expect(readJsonBody(request, 1_000)).rejects.toMatchObject({ details: { reason: 'it was cut off' } });
});

it('lines over HTTP/2 that are broken off before they are read are cut off, and not all', async () => {
  const lines = createLineReader(z.unknown())(await brokenOff('application/x-ndjson'));
  await expect(lines[Symbol.asyncIterator]().next()).rejects.toMatchObject({ details: { reason: 'it was cut off' } });
});
