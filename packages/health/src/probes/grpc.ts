import { connect, type IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ConnectFailure, connectFailureOf } from '@dotmac/core/net';
import { z } from 'zod';
import { authorityOf } from './http/redirect.js';
import { defineProbe, isWrongAnswer, timed, WrongAnswer, type Phases } from './probe.js';
import { certificateFacts, connectTls, tlsSettings, worryOf } from './tls-settings.js';

const settings = z
  .strictObject({
    /** Whose health to ask for; default: the server's as a whole, which is the empty name. */
    service: z
      .string()
      .max(200)
      .default('')
      .meta({
        description: 'Whose health to ask for; empty for the server as a whole',
        examples: ['orders.v1.Orders'],
      }),
    /** Whether to speak TLS. Default false: HTTP/2 without (h2c), by prior knowledge. */
    secure: z.boolean().default(false).meta({ description: 'Speak TLS' }),
    tls: tlsSettings.optional().meta({ description: 'How to speak TLS; with secure alone' }),
  })
  .refine(({ secure, tls }) => secure || tls === undefined, { path: ['tls'], message: 'This needs secure' });

/**
 * Asks a gRPC server for its health, as `grpc.health.v1.Health/Check` (gRPC health checking protocol). The response
 * time goes to the end of the answer, without the name's resolution.
 */
export const grpcProbe = defineProbe({
  serviceType: 'grpc',
  summary: 'Asks a gRPC server for its health, or that of one of its services.',
  addressing: 'port',
  config: settings,
  facts: ['serving', 'grpc_status', 'certificate'],
  secret: ['tls.key'],
  lacking: ({ secure }) => (secure ? [] : ['certificate']),
  async run({ connector, host, port, config, timeoutMs, signal, clock }) {
    const { service, secure } = config;
    const startedAt = clock.monotonic();
    const tls = secure ? connectTls(config.tls, ['h2']) : undefined;
    const { socket, timings } = await connector.connect({ host, port, timeoutMs, signal, ...(tls && { tls }) });
    const { dnsMs, connectMs, tlsMs } = timings;
    const phases: Phases = { dnsMs, connectMs, ...(tls && { tlsMs }) };
    const elapsed = (): number => clock.monotonic() - startedAt - dnsMs;
    const connectedMs = elapsed();
    try {
      const seen = tls ? certificateFacts(socket as TLSSocket, config.tls, clock.now()) : undefined;
      if (tls && (socket as TLSSocket).alpnProtocol !== 'h2')
        throw new WrongAnswer(noHttp2, { code: 'answer_malformed' });
      let headMs = connectedMs;
      const onHead = (): void => {
        headMs = elapsed();
        phases.firstByteMs = headMs - connectedMs;
      };
      const authority = authorityOf({ secure, host, port });
      const answer = await call(socket, { secure, authority, message: requestOf(service), onHead }, signal);
      const responseTimeMs = elapsed();
      phases.transferMs = responseTimeMs - headMs;
      const serving = servingOf(answer);
      return {
        responseTimeMs,
        message: 'The service is serving',
        phases,
        facts: { serving, grpc_status: 0, ...(seen && { certificate: seen.certificate }) },
        ...worryOf(seen),
      };
    } catch (error) {
      throw isWrongAnswer(error) ? timed(error, elapsed(), phases) : error;
    } finally {
      socket.destroy();
    }
  },
});

const noHttp2 = 'The answer is not HTTP/2';
const noGrpc = 'The answer is not gRPC';
/** An answer about health has two bytes and what frames them; this leaves room for fields to come. */
const mostBytes = 4_096;

interface Call {
  secure: boolean;
  authority: string;
  message: Buffer;
  onHead(): void;
}

interface Answer {
  head: IncomingHttpHeaders;
  /** Empty when the head was all there is. */
  trailers: IncomingHttpHeaders;
  body: Buffer;
}

/** Sends one message over a connected socket, and resolves with the whole answer. */
function call(socket: Socket, { secure, authority, message, onHead }: Call, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(connectFailureOf(signal.reason));
    const session = connect(`${secure ? 'https' : 'http'}://${authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    });
    const heardBefore = socket.bytesRead;
    let isHttp2 = false;
    const settle = (done: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      done();
      session.destroy();
    };
    const fail = (failure: Error): void => settle(() => reject(failure));
    const onAbort = (): void => fail(connectFailureOf(signal.reason));
    /** What ended before it was whole: an answer, something that is no HTTP/2, or a connection without a word. */
    const broken = (): void => {
      if (isHttp2) return fail(new WrongAnswer('The answer broke off', { code: 'answer_truncated' }));
      fail(
        socket.bytesRead > heardBefore
          ? new WrongAnswer(noHttp2, { code: 'answer_malformed' })
          : new ConnectFailure('reset'),
      );
    };
    signal.addEventListener('abort', onAbort, { once: true });
    session.on('error', broken).on('close', broken);
    session.once('remoteSettings', () => (isHttp2 = true));
    const request = session.request({
      ':method': 'POST',
      ':scheme': secure ? 'https' : 'http',
      ':authority': authority,
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'dotmac-health',
    });
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const parts: Buffer[] = [];
    let size = 0;
    let isWhole = false;
    request.once('response', (headers) => {
      head = headers;
      onHead();
    });
    request.once('trailers', (headers) => (trailers = headers));
    request.on('data', (part: Buffer) => {
      parts.push(part);
      size += part.length;
      if (size > mostBytes) fail(new WrongAnswer('The answer is too long', { code: 'answer_too_long' }));
    });
    request.once('end', () => (isWhole = true));
    request.on('error', broken);
    request.on('close', () => {
      if (!isWhole || request.rstCode !== 0) return broken();
      settle(() => resolve({ head, trailers, body: Buffer.concat(parts) }));
    });
    request.end(message);
  });
}

/** What some statuses of gRPC mean here; the others are named by their number. */
const statuses: Readonly<Record<string, string>> = {
  5: 'The server does not know this service (gRPC status 5)',
  7: 'The server does not let us ask (gRPC status 7)',
  12: 'The server does not tell its health (gRPC status 12)',
  14: 'The server is not available (gRPC status 14)',
  16: 'The server does not know who asks (gRPC status 16)',
};

/** The states of a service, by number, and what the ones mean that are not good. */
const states = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
const sentences: Readonly<Record<string, string>> = {
  UNKNOWN: 'The state of the service is unknown',
  NOT_SERVING: 'The service is not serving',
  SERVICE_UNKNOWN: 'The server does not know this service',
};

/** Reads an answer that is good. */
function servingOf({ head, trailers, body }: Answer): 'SERVING' {
  const httpStatus = Number(head[':status']);
  if (httpStatus !== 200)
    throw new WrongAnswer(`Answered HTTP ${httpStatus} in place of gRPC`, { code: 'status_unexpected' });
  if (!/^application\/grpc(?:$|[+;])/i.test(head['content-type'] ?? ''))
    throw new WrongAnswer(noGrpc, { code: 'answer_malformed' });
  const status = [trailers['grpc-status'] ?? head['grpc-status'] ?? ''].flat().join();
  if (!/^\d{1,3}$/.test(status)) throw new WrongAnswer(noGrpc, { code: 'answer_malformed' });
  if (Number(status) !== 0)
    throw new WrongAnswer(statuses[Number(status)] ?? `The server answered gRPC status ${Number(status)}`, {
      code: status === '5' ? 'service_unknown' : 'status_unexpected',
    });
  // A message: whether it is packed, which nobody asked for, its length, and itself.
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5)
    throw new WrongAnswer(noGrpc, { code: 'answer_malformed' });
  const number = stateIn(body.subarray(5));
  const state = states[number];
  if (state === 'SERVING') return state;
  throw new WrongAnswer(state ? (sentences[state] ?? '') : `The state of the service is not a known one (${number})`, {
    code: state === 'SERVICE_UNKNOWN' ? 'service_unknown' : 'not_serving',
  });
}

/** HealthCheckRequest with its only field, `string service = 1`, as a message of gRPC. */
function requestOf(service: string): Buffer {
  const name = Buffer.from(service);
  // The length is a varint; a name has at most 800 bytes, so two are enough.
  const size = name.length < 0x80 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7];
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...size]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** HealthCheckResponse: `ServingStatus status = 1`, which is 0 when it is left out. Other fields are passed over. */
function stateIn(message: Buffer): number {
  let at = 0;
  let state = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new WrongAnswer(noGrpc, { code: 'answer_malformed' });
  };
  // How far to go on for each kind of field: a varint, eight bytes, bytes with their length, four bytes.
  const skip: Readonly<Record<number, () => number>> = { 0: varint, 1: () => 8, 2: varint, 5: () => 4 };
  while (at < message.length) {
    const tag = varint();
    const kind = tag % 8;
    const value = skip[kind]?.();
    if (value === undefined) throw new WrongAnswer(noGrpc, { code: 'answer_malformed' });
    if (tag === 8) state = value;
    else if (kind !== 0) at += value;
    if (at > message.length) throw new WrongAnswer(noGrpc, { code: 'answer_malformed' });
  }
  return state;
}
