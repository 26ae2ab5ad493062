import { createServer as createHttpServer } from 'node:http';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { makeCertificates } from '../../../core/test/net/certificates.js';
import { closedPort } from '../../../../test/support/ports.js';
import { grpcProbe } from '../../src/probes/grpc.js';
import { connectorKnowing, probed, serving, type Probing } from '../support/probing.js';

const grpc = (probing: Probing) => probed(grpcProbe, probing);
const needs = (on: string, value: string | number | boolean) => [
  { on, op: 'eq', value, severity: 'critical' } as const,
];

/** A message of gRPC. */
const framed = (...bytes: number[]) => Buffer.from([0, 0, 0, 0, bytes.length, ...bytes]);
const serves = framed(0x08, 1);
const grpcHead = { ':status': 200, 'content-type': 'application/grpc' };

/** Answers with a message and, behind it, a status. */
const answering =
  (message: Buffer, status: string | null = '0', head: OutgoingHttpHeaders = grpcHead) =>
  (stream: ServerHttp2Stream): void => {
    stream.respond(head, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(status === null ? {} : { 'grpc-status': status }));
    stream.end(message);
  };
/** Answers with a head alone, as servers do that have nothing to say but a status. */
const ending =
  (head: OutgoingHttpHeaders) =>
  (stream: ServerHttp2Stream): void =>
    stream.respond(head, { endStream: true });

/** A server that notes what it was asked, and answers when all of it has come. */
async function health(answer: (stream: ServerHttp2Stream) => void, server: Http2Server = createServer()) {
  const seen: { headers: IncomingHttpHeaders; message: Buffer }[] = [];
  server.on('sessionError', () => {});
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const parts: Buffer[] = [];
    stream.on('error', () => {}).on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      seen.push({ headers, message: Buffer.concat(parts) });
      answer(stream);
    });
  });
  return { ...(await serving(server)), seen };
}

describe('a server that is serving', () => {
  it('is healthy, and the connection closed again', async () => {
    const { port, seen, accepted } = await health(answering(serves));
    const conditions = [...needs('serving', 'SERVING'), ...needs('grpc_status', 0)];
    const result = await grpc({ port, conditions });
    expect(result).toMatchObject({ status: 'healthy', message: 'The service is serving' });
    const { connectMs = NaN, firstByteMs = NaN, transferMs = NaN } = result.phases ?? {};
    // Between two phases is what this process took to go on, so they come to no more than the whole.
    for (const phase of [connectMs, firstByteMs, transferMs]) expect(phase).toBeGreaterThanOrEqual(0);
    expect(connectMs + firstByteMs + transferMs).toBeLessThanOrEqual((result.responseTimeMs ?? NaN) + 0.001);
    expect(seen).toEqual([
      {
        message: framed(),
        headers: expect.objectContaining({
          ':method': 'POST',
          ':scheme': 'http',
          ':path': '/grpc.health.v1.Health/Check',
          ':authority': `127.0.0.1:${port}`,
          'content-type': 'application/grpc',
          te: 'trailers',
          'user-agent': 'dotmac-health',
        }) as unknown,
      },
    ]);
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
  });

  it.each(['orders.v1.Orders', 'ü'.repeat(200)])('is asked for one of its services: %.20s', async (service) => {
    const { port, seen } = await health(answering(serves));
    expect(await grpc({ port, config: { service } })).toMatchObject({ status: 'healthy' });
    const message = seen[0]?.message ?? Buffer.alloc(0);
    expect(message.readUInt32BE(1)).toBe(message.length - 5);
    expect(message[5]).toBe(0x0a);
    const name = Buffer.from(service);
    expect(message.subarray(-name.length).toString()).toBe(service);
    expect([...message.subarray(6, -name.length)]).toEqual(
      name.length < 128 ? [name.length] : [(name.length % 128) + 128, Math.floor(name.length / 128)],
    );
  });

  it.each([
    [
      'with fields that are not known yet',
      framed(0x12, 2, 0x61, 0x62, 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x28, 0x96, 1, 0x08, 1),
    ],
    ['twice, of which the last one counts', framed(0x08, 2, 0x08, 1)],
    ['in a number that is longer than it need be', framed(0x08, 0x81, 0x80, 0)],
  ])('may say so %s', async (_, message) => {
    const { port } = await health(answering(message));
    expect(await grpc({ port })).toMatchObject({ status: 'healthy' });
  });

  it('may name its encoding, and answer in pieces', async () => {
    const { port } = await health((stream) => {
      stream.respond({ ...grpcHead, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.write(serves.subarray(0, 3), () => stream.end(serves.subarray(3)));
    });
    expect(await grpc({ port })).toMatchObject({ status: 'healthy' });
  });

  it('later than expected is degraded', async () => {
    const { port } = await health((stream) => void setTimeout(answering(serves), 120, stream));
    expect(await grpc({ port, expectedResponseTimeMs: 100 })).toMatchObject({
      status: 'degraded',
      message: 'The service is serving, slower than expected',
    });
  });
});

describe('a server that says otherwise is critical', () => {
  it.each([
    [framed(), 'The state of the service is unknown'],
    [framed(0x08, 0), 'The state of the service is unknown'],
    [framed(0x08, 2), 'The service is not serving'],
    [framed(0x08, 3), 'The server does not know this service'],
    [framed(0x08, 9), 'The state of the service is not a known one (9)'],
  ])('by its state: %j', async (message, sentence) => {
    const { port } = await health(answering(message));
    expect(await grpc({ port })).toMatchObject({
      status: 'critical',
      message: sentence,
      responseTimeMs: expect.any(Number) as number,
    });
  });

  it.each([
    ['5', 'The server does not know this service (gRPC status 5)'],
    ['7', 'The server does not let us ask (gRPC status 7)'],
    ['12', 'The server does not tell its health (gRPC status 12)'],
    ['14', 'The server is not available (gRPC status 14)'],
    ['16', 'The server does not know who asks (gRPC status 16)'],
    ['2', 'The server answered gRPC status 2'],
    ['999', 'The server answered gRPC status 999'],
  ])('by gRPC status %s, behind a message or in its place', async (status, message) => {
    const head = { ...grpcHead, 'grpc-status': status, 'grpc-message': 'hunter2' };
    for (const answer of [answering(serves, status), ending(head)]) {
      const { port } = await health(answer);
      expect(await grpc({ port })).toMatchObject({ status: 'critical', message });
    }
  });

  const noGrpc = 'The answer is not gRPC';
  it.each<[string, (stream: ServerHttp2Stream) => void, string]>([
    ['another status of HTTP', ending({ ':status': 404 }), 'Answered HTTP 404 in place of gRPC'],
    [
      'trouble of a proxy',
      answering(serves, '0', { ...grpcHead, ':status': 503 }),
      'Answered HTTP 503 in place of gRPC',
    ],
    ['a page', answering(Buffer.from('<html>'), '0', { ':status': 200, 'content-type': 'text/html' }), noGrpc],
    ['gRPC for browsers', answering(serves, '0', { ':status': 200, 'content-type': 'application/grpc-web' }), noGrpc],
    ['no status', answering(serves, null), noGrpc],
    ['a status that is none', answering(serves, 'fine'), noGrpc],
    ['no message', answering(Buffer.alloc(0)), noGrpc],
    ['half a message', answering(serves.subarray(0, 6)), noGrpc],
    ['two messages', answering(Buffer.concat([serves, serves])), noGrpc],
    ['a packed message', answering(Buffer.from([1, ...serves.subarray(1)])), noGrpc],
    ['a number without end', answering(framed(0x08, ...Array.from({ length: 11 }, () => 0xff))), noGrpc],
    ['a number that breaks off', answering(framed(0x08, 0x80)), noGrpc],
    ['a field that breaks off', answering(framed(0x12, 100, 1)), noGrpc],
    ['a kind of field that is none', answering(framed(0x0b, 1)), noGrpc],
    ['a state that is no number', answering(framed(0x0a, 1, 1)), 'The state of the service is unknown'],
    ['very much', answering(Buffer.alloc(100_000)), 'The answer is too long'],
    ['an end of the call', (stream) => stream.close(8), 'The answer broke off'],
    [
      'an end of the call within the answer',
      (stream) => {
        stream.respond(grpcHead);
        stream.write(serves, () => stream.destroy(new Error('no more')));
      },
      'The answer broke off',
    ],
    ['an end of the connection', (stream) => stream.session?.destroy(), 'The answer broke off'],
  ])('with %s', async (_, answer, message) => {
    const { port, accepted } = await health(answer);
    expect(await grpc({ port })).toMatchObject({
      status: 'critical',
      message,
      responseTimeMs: expect.any(Number) as number,
    });
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
  });

  it('with an answer that never ends', async () => {
    const { port, accepted } = await health((stream) => {
      stream.respond(grpcHead);
      const more = (): void => {
        while (!stream.destroyed && stream.write(Buffer.alloc(1_000)));
      };
      stream.on('drain', more);
      more();
    });
    expect(await grpc({ port })).toMatchObject({ status: 'critical', message: 'The answer is too long' });
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['zeros', '\0'.repeat(1_000)],
  ])('with %s in place of HTTP/2', async (_, words) => {
    const { port, accepted } = await serving(createTcpServer(), undefined, (socket) => {
      socket.once('data', () => socket.write(words));
    });
    expect(await grpc({ port })).toMatchObject({ status: 'critical', message: 'The answer is not HTTP/2' });
    accepted[0]?.resume();
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
  });

  it('with HTTP/1.1', async () => {
    const { port } = await serving(createHttpServer((_, response) => void response.end('ok')));
    expect(await grpc({ port })).toMatchObject({ status: 'critical', message: 'The answer is not HTTP/2' });
  });
});

describe('a server that cannot be reached is offline', () => {
  it('when it refuses, or has no name', async () => {
    expect(await grpc({ port: await closedPort() })).toMatchObject({ status: 'offline' });
    const connector = await connectorKnowing({});
    expect(await grpc({ host: 'gone.test', port: 50_051, connector })).toMatchObject({ status: 'offline' });
  });

  it('when it hangs up without a word', async () => {
    for (const isRude of [true, false]) {
      const { port } = await serving(createTcpServer(), undefined, (socket) => {
        socket.once('data', () => (isRude ? socket.resetAndDestroy() : socket.end()));
      });
      expect(await grpc({ port })).toMatchObject({ status: 'offline', message: 'The connection was closed' });
    }
  });

  it('when it says nothing, or does not answer', async () => {
    const silent = await serving(createTcpServer(), undefined, (socket) => socket.resume());
    const slow = await health(() => {});
    for (const { port, accepted } of [silent, slow]) {
      expect(await grpc({ port, timeoutMs: 200 })).toMatchObject({ status: 'offline', message: 'No answer in time' });
      await expect.poll(() => accepted[0]?.destroyed).toBe(true);
    }
  });
});

describe('trouble of our own is unknown', () => {
  it('when the check is stopped, and the connection is closed', async () => {
    const { port, accepted, seen } = await health(() => {});
    const stop = new AbortController();
    const check = grpc({ port, signal: stop.signal });
    await expect.poll(() => seen.length).toBe(1);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
  });
});

describe('over TLS', () => {
  const certificates = makeCertificates();
  const tls = { ca: certificates.ca };

  it('a server is asked under a valid certificate; another one is critical', async () => {
    const { port, seen } = await health(answering(serves), createSecureServer(certificates.good));
    const conditions = needs('certificate.authorized', true);
    expect(await grpc({ host: 'localhost', port, config: { secure: true, tls }, conditions })).toMatchObject({
      status: 'healthy',
      phases: { tlsMs: expect.any(Number) as number },
    });
    expect(seen[0]?.headers).toMatchObject({ ':scheme': 'https', ':authority': `localhost:${port}` });
    expect(await grpc({ port, config: { secure: true, tls: { ...tls, days: 30 } } })).toMatchObject({
      status: 'degraded',
      message: 'The certificate expires within 30 days',
    });
    const message = 'The certificate is not valid for this host';
    expect(await grpc({ port, config: { secure: true } })).toMatchObject({ status: 'critical', message });
    // Some say in clear text that this is no TLS, and some only hang up.
    expect(['offline', 'critical']).toContain((await grpc({ port })).status);
  });

  it('a server that hangs up after the handshake is not healthy', async () => {
    const server = createTlsServer({ ...certificates.good, ALPNProtocols: ['h2'] }, (socket) => {
      socket.on('error', () => {}).end();
    });
    const { port } = await serving(server);
    expect(['offline', 'critical']).toContain((await grpc({ port, config: { secure: true, tls } })).status);
  });

  it('a server without HTTP/2 is critical', async () => {
    const config = { secure: true, tls };
    const { port } = await serving(createHttpsServer({ ...certificates.good, ALPNProtocols: ['http/1.1'] }));
    expect(await grpc({ port, config })).toMatchObject({ status: 'critical', message: 'The TLS handshake failed' });
    const deaf = await serving(createTlsServer(certificates.good));
    const message = 'The answer is not HTTP/2';
    expect(await grpc({ port: deaf.port, config })).toMatchObject({ status: 'critical', message });
  });
});

describe('a setting', () => {
  it.each([{ service: 'x'.repeat(201) }, { tls: {} }, { secure: 'yes' }, { other: 1 }])(
    'is refused when it is like %.60j',
    (config) => {
      expect(grpcProbe.config.safeParse(config).success).toBe(false);
    },
  );
});
