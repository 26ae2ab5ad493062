import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { StopSignal } from '@dotmac/core';
import { z } from 'zod';
import { lineReader, mostLines, reply, type LineReader } from './line-reader.js';
import { isWrongAnswer, timed, WrongAnswer, type Observation, type Phases, type ProbeContext } from './probe.js';
import { certificateFacts, connectTls, type TlsSettings } from './tls-settings.js';

/** The protocols in which a connection can be upgraded to TLS. */
export const startTlsProtocol = z
  .enum(['smtp', 'imap', 'pop3', 'ftp', 'postgres', 'ldap'])
  .meta({ description: "Speak this protocol's upgrade to TLS first" });

/** @see startTlsProtocol */
export type StartTlsProtocol = z.output<typeof startTlsProtocol>;

/** How to talk: in clear text, over TLS from the start (`tls` alone), or over TLS after a protocol's upgrade. */
export interface Manner {
  tls?: TlsSettings | undefined;
  starttls?: StartTlsProtocol | undefined;
  /** What to say of an answer that is too long or breaks off. */
  wrong: string;
  /** @see Reading.open */
  open?: boolean;
}

/** A connection, and what is known of it so far. */
export interface Conversation {
  reader: LineReader;
  readonly phases: Phases;
  say(words: string | Buffer): void;
  /** Milliseconds since the connection began, without the name's resolution. */
  elapsed(): number;
  /** Begins TLS, now that the protocol has agreed to it. Default: with the bundled authorities. */
  secure(settings: TlsSettings | undefined): Promise<void>;
}

/** What a conversation comes to. The response time is how long it took, unless it says otherwise. */
export type Outcome = Omit<Observation, 'phases' | 'responseTimeMs'> & { responseTimeMs?: number };

/** Connects, talks and hangs up. Adds the phases and the facts of the certificate to what `talk` says. */
export async function conversing(
  { connector, host, port, timeoutMs, stop: signal, clock }: Omit<ProbeContext, 'signal'>,
  { tls, starttls, wrong, open = false }: Manner,
  talk: (conversation: Conversation) => Promise<Outcome>,
): Promise<Observation> {
  const startedAt = clock.monotonic();
  const direct = tls && !starttls;
  const target = { host, port, timeoutMs, signal, ...(direct && { tls: connectTls(tls) }) };
  const { socket, timings } = await connector.connect(target);
  const { dnsMs, connectMs } = timings;
  const phases: Phases = { dnsMs, connectMs, ...(direct && { tlsMs: timings.tlsMs }) };
  let spokenTo: Socket = socket;
  let judged: ReturnType<typeof certificateFacts> | undefined;
  const elapsed = (): number => clock.monotonic() - startedAt - dnsMs;
  const connectedMs = elapsed();
  const readerOf = (from: Socket): LineReader => lineReader(from, { signal, clock, wrong, open });
  const firstReader = readerOf(socket);
  const conversation: Conversation = {
    reader: firstReader,
    phases,
    say: (words) => void spokenTo.write(words),
    elapsed,
    async secure(settings) {
      firstReader.handOver();
      const secured = await connector.secure(socket, { host, timeoutMs, signal, tls: connectTls(settings) });
      phases.tlsMs = secured.tlsMs;
      spokenTo = secured.socket;
      conversation.reader = readerOf(spokenTo);
      judged = certificateOf(secured.socket, settings, clock.now());
    },
  };
  /** The response time, and what of it was waiting and what listening. */
  const answered = (): number => {
    const endMs = elapsed();
    const { firstByteAt = conversation.reader.firstByteAt } = firstReader;
    if (firstByteAt !== undefined) {
      const firstMs = firstByteAt - startedAt - dnsMs;
      phases.firstByteMs = firstMs - connectedMs;
      phases.transferMs = endMs - firstMs - (direct ? 0 : (phases.tlsMs ?? 0));
    }
    return endMs;
  };
  try {
    if (direct) judged = certificateOf(socket as TLSSocket, tls, clock.now());
    if (starttls) {
      await upgrades[starttls](conversation);
      await conversation.secure(tls);
    }
    const { facts, ...outcome } = await talk(conversation);
    const { degraded = judged?.degraded, code = judged?.code } = outcome;
    const responseTimeMs = answered();
    if (judged) await endOf(spokenTo, signal);
    return {
      responseTimeMs,
      ...outcome,
      phases,
      facts: { ...facts, ...(judged && { certificate: judged.certificate }) },
      ...(degraded !== undefined && { degraded }),
      ...(code !== undefined && { code }),
    };
  } catch (error) {
    if (isWrongAnswer(error)) throw timed(error, answered(), phases);
    throw error;
  } finally {
    spokenTo.destroy();
    socket.destroy();
  }
}

/**
 * Ends a TLS connection and sees it sent. Destroyed right after the handshake, it would take the last of that with it,
 * and every check would be an error in the server's log.
 */
function endOf(socket: Socket, signal: StopSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
    socket.once('close', done).end(done);
  });
}

/** Unverified, a certificate may hold dates that are none. */
function certificateOf(...shown: Parameters<typeof certificateFacts>): ReturnType<typeof certificateFacts> {
  try {
    return certificateFacts(...shown);
  } catch {
    throw new WrongAnswer('The certificate cannot be read', { code: 'certificate_unreadable' });
  }
}

/** How we name ourselves to SMTP servers unless told otherwise: a name that nobody has (RFC 2606). */
export const ehloName = 'dotmac.invalid';

/** Says EHLO; gives the keywords of the extensions, in capitals (RFC 5321, 4.1.1.1). */
export async function ehlo(conversation: Conversation, name: string): Promise<string[]> {
  conversation.say(`EHLO ${name}\r\n`);
  const [, ...lines] = await reply(conversation.reader, 'SMTP', 'answer to EHLO', 250);
  return lines.map((line) => (line.split(' ', 1)[0] ?? '').toUpperCase());
}

/** Asks for TLS, which must be among the extensions (RFC 3207). */
export async function smtpStartTls(conversation: Conversation, extensions: readonly string[]): Promise<void> {
  if (!extensions.includes('STARTTLS')) throw new WrongAnswer('STARTTLS is not offered', { code: 'starttls_refused' });
  conversation.say('STARTTLS\r\n');
  await reply(conversation.reader, 'SMTP', 'answer to STARTTLS', 220);
}

/** PostgreSQL, SSLRequest: its length, and 1234 5679 in place of a version. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** How each protocol comes to where TLS begins. */
const upgrades: Record<StartTlsProtocol, (conversation: Conversation) => Promise<void>> = {
  async smtp(conversation) {
    await reply(conversation.reader, 'SMTP', 'greeting', 220);
    await smtpStartTls(conversation, await ehlo(conversation, ehloName));
  },
  // RFC 2595, 3.1.
  async imap({ reader, say }) {
    if (!/^\* OK\b/i.test(await reader.line()))
      throw new WrongAnswer('The answer is not an IMAP greeting', { code: 'answer_malformed' });
    say('a1 STARTTLS\r\n');
    for (let lines = 0; lines < mostLines; lines++) {
      const line = await reader.line();
      if (/^a1 OK\b/i.test(line)) return;
      if (!line.startsWith('* ')) break;
    }
    throw new WrongAnswer('IMAP refused TLS', { code: 'starttls_refused' });
  },
  // RFC 2595, 4.
  async pop3({ reader, say }) {
    if (!/^\+OK\b/i.test(await reader.line()))
      throw new WrongAnswer('The answer is not a POP3 greeting', { code: 'answer_malformed' });
    say('STLS\r\n');
    if (!/^\+OK\b/i.test(await reader.line())) throw new WrongAnswer('POP3 refused TLS', { code: 'starttls_refused' });
  },
  // RFC 4217, 4.
  async ftp(conversation) {
    await reply(conversation.reader, 'FTP', 'greeting', 220);
    conversation.say('AUTH TLS\r\n');
    await reply(conversation.reader, 'FTP', 'answer to AUTH TLS', 234);
  },
  async postgres({ reader, say }) {
    say(sslRequest);
    const answer = (await reader.bytes(1)).toString('latin1');
    if (answer === 'S') return;
    throw 'NE'.includes(answer)
      ? new WrongAnswer('PostgreSQL refused TLS', { code: 'starttls_refused' })
      : new WrongAnswer('The answer is not PostgreSQL', { code: 'answer_malformed' });
  },
  // RFC 4511, 4.14: an ExtendedResponse in an LDAPMessage, which begins with its number.
  async ldap({ reader, say }) {
    say(startTlsRequest);
    const message = elementsOf(await element(0x30, (count) => reader.bytes(count)));
    await element(0x02, message);
    const response = elementsOf(await element(0x78, message));
    const [result] = await element(0x0a, response);
    if (result !== 0)
      throw new WrongAnswer(`LDAP refused TLS with result ${result ?? 'none'}`, { code: 'starttls_refused' });
  },
};

/** LDAPMessage 1: ExtendedRequest with the name of StartTLS. */
const startTlsName = Buffer.from('1.3.6.1.4.1.1466.20037');
const startTlsRequest = Buffer.concat([
  Buffer.from([0x30, 29, 0x02, 1, 1, 0x77, 24, 0x80, startTlsName.length]),
  startTlsName,
]);

type Bytes = (count: number) => Promise<Buffer>;

/** The content of the next BER element (ITU-T X.690, 8.1), which must have this tag. */
async function element(tag: number, bytes: Bytes): Promise<Buffer> {
  const [found, first = 0] = await bytes(2);
  const size = first & 0x7f;
  if (found === tag && first <= 0x84 && first !== 0x80) {
    const length = first < 0x80 ? size : (await bytes(size)).readUIntBE(0, size);
    if (length <= 8_192) return bytes(length);
  }
  throw new WrongAnswer('The answer is not LDAP', { code: 'answer_malformed' });
}

/** Gives the bytes of an element's content one after the other. */
function elementsOf(content: Buffer): Bytes {
  let at = 0;
  return async (count) => {
    if (at + count > content.length) throw new WrongAnswer('The answer is not LDAP', { code: 'answer_malformed' });
    return content.subarray(at, (at += count));
  };
}
