import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificates, type Certificates } from '../../../core/test/net/certificates.js';
import { closedPort } from '../../../../test/support/ports.js';
import { deafPort } from '../../../core/test/net/listeners.js';
import type { StartTlsProtocol } from '../../src/probes/starttls.js';
import { tlsProbe } from '../../src/probes/tls.js';
import { connectorKnowing, probed, serving, type Probing } from '../support/probing.js';

let certificates: Certificates;
beforeAll(() => {
  certificates = makeCertificates();
});

/** Trusts the authority of these tests. */
const tls = ({ config, ...probing }: Probing) =>
  probed(tlsProbe, { ...probing, config: { ca: certificates.ca, ...config } });
const tlsServer = (options: TlsOptions = certificates.good) => serving(createTlsServer(options));

describe('a valid certificate', () => {
  it('is healthy by address and by name, and the connection is closed', async () => {
    const { port, accepted } = await tlsServer();
    for (const host of ['127.0.0.1', 'localhost']) {
      const { status, message, responseTimeMs, phases } = await tls({ host, port });
      expect([status, message]).toEqual(['healthy', 'Agreed on TLS']);
      const { connectMs = NaN, tlsMs = NaN, ...others } = phases ?? {};
      expect(responseTimeMs).toBe(connectMs + tlsMs);
      expect(others).toEqual({ dnsMs: expect.any(Number) as number });
    }
    await expect.poll(() => accepted.length === 2 && accepted.every(({ closed }) => closed)).toBe(true);
  });

  it('is asked for and verified by the server name that is configured', async () => {
    const { port } = await tlsServer(certificates.other);
    expect(await tls({ port, config: { servername: 'other.test' } })).toMatchObject({ status: 'healthy' });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'over %s leaves the server with a connection that ended well',
    async (version) => {
      const server = createTlsServer({ ...certificates.good, maxVersion: version, minVersion: version });
      const seen: string[] = [];
      server.on('tlsClientError', () => seen.push('error'));
      server.on('secureConnection', (socket) => {
        seen.push('secured');
        socket
          .resume()
          .on('end', () => seen.push('ended'))
          .on('error', () => seen.push('broken'));
      });
      const { port } = await serving(server);
      expect(await tls({ port })).toMatchObject({ status: 'healthy' });
      await expect.poll(() => seen).toEqual(['secured', 'ended']);
    },
  );

  it('is there for conditions', async () => {
    const { port } = await tlsServer();
    const conditions = [
      { on: 'certificate.days_left', op: 'gte', value: 1, severity: 'critical' },
      { on: 'certificate.authorized', op: 'eq', value: true, severity: 'critical' },
      { on: 'certificate.protocol', op: 'eq', value: 'TLSv1.3', severity: 'critical' },
    ] as const;
    expect(await tls({ port, conditions: [...conditions] })).toMatchObject({ status: 'healthy' });
    const longer = { ...conditions[0], value: 30 };
    expect(await tls({ port, conditions: [longer] })).toMatchObject({
      status: 'critical',
      message: 'The condition certificate.days_left gte 30 does not hold',
    });
  });

  it('that expires soon is degraded', async () => {
    const { port } = await tlsServer();
    expect(await tls({ port, config: { days: 30 } })).toMatchObject({
      status: 'degraded',
      message: 'The certificate expires within 30 days',
    });
    expect(await tls({ port, config: { days: 1 } })).toMatchObject({ status: 'healthy' });
  });

  it('that takes longer than expected is degraded', async () => {
    const { port } = await serving(createServer(), undefined, (socket) => {
      setTimeout(() => new TLSSocket(socket, { isServer: true, ...certificates.good }).on('error', () => {}), 120);
    });
    const { status, responseTimeMs } = await tls({ port, expectedResponseTimeMs: 100 });
    expect(status).toBe('degraded');
    expect(responseTimeMs).toBeGreaterThan(100);
  });

  it('of ours is shown to a server that asks for one', async () => {
    const { good, ca } = certificates;
    const options = { ...good, ca, requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' } as const;
    const { port } = await tlsServer(options);
    expect(await tls({ port, config: { ...good } })).toMatchObject({ status: 'healthy' });
    expect((await tls({ port })).status).not.toBe('healthy');
  });
});

describe('a certificate that is not valid is critical', () => {
  it.each([
    ['has expired', 'expired', {}, 'The certificate has expired'],
    ['is for another name', 'other', {}, 'The certificate is not valid for this host'],
    ['is for another server name', 'good', { servername: 'other.test' }, 'The certificate is not valid for this host'],
    ['is signed by an authority nobody knows', 'good', { ca: undefined }, 'The certificate is not valid for this host'],
  ] as const)('when it %s', async (_, name, config, message) => {
    const { port } = await tlsServer(certificates[name]);
    expect(await tls({ port, config })).toMatchObject({ status: 'critical', responseTimeMs: null, message });
  });

  it('unless it is not verified; conditions see it all the same', async () => {
    const { port } = await tlsServer(certificates.expired);
    const config = { verify: false };
    expect(await tls({ port, config })).toMatchObject({ status: 'healthy' });
    expect(await tls({ port, config: { ...config, days: 0 } })).toMatchObject({ status: 'degraded' });
    const condition = { on: 'certificate.authorized', op: 'eq', value: true, severity: 'critical' } as const;
    expect(await tls({ port, config, conditions: [condition] })).toMatchObject({ status: 'critical' });
  });
});

describe('a server that does not get to TLS', () => {
  it('is critical when it speaks something else', async () => {
    const { port } = await serving(createServer(), undefined, (socket) => socket.end('220 mail.example ESMTP\r\n'));
    expect(await tls({ port })).toMatchObject({ status: 'critical', message: 'The TLS handshake failed' });
  });

  it('is offline when it refuses, hangs up, or keeps silent', async () => {
    const message = 'The connection was refused';
    expect(await tls({ port: await closedPort() })).toMatchObject({ status: 'offline', message });
    const rude = await serving(createServer(), undefined, (socket) => socket.end());
    expect(await tls({ port: rude.port })).toMatchObject({ status: 'offline', message: 'The connection was closed' });
    const silent = await serving(createServer(), undefined, (socket) => socket.resume());
    const late = await tls({ port: silent.port, timeoutMs: 300 });
    expect(late).toMatchObject({ status: 'offline', message: 'No answer in time' });
    await expect.poll(() => silent.accepted[0]?.closed).toBe(true);
    const deaf = await deafPort();
    onTestFinished(() => deaf.close());
    expect(await tls({ port: deaf.port, timeoutMs: 300 })).toMatchObject({ status: 'offline' });
  });

  it('is unknown when connecting there is denied, or the check is stopped', async () => {
    expect(await tls({ host: '169.254.169.254', port: 443 })).toMatchObject({ status: 'unknown' });
    const connector = await connectorKnowing({ 'gw.test': { rcode: 'SERVFAIL' } });
    expect(await tls({ host: 'gw.test', port: 443, connector })).toMatchObject({ status: 'unknown' });
    const { port, accepted } = await serving(createServer(), undefined, (socket) => socket.resume());
    const stop = new AbortController();
    const check = tls({ port, signal: stop.signal });
    await expect.poll(() => accepted.length).toBe(1);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
    await expect.poll(() => accepted[0]?.closed).toBe(true);
  });
});

type Words = string | Buffer;
/** What a server says, and what it must have heard before. */
type Turns = readonly (readonly [heard: Words, said: Words])[];

/** Waits until so much was heard; what it was must be just that. */
async function hear(socket: Socket, words: Words): Promise<void> {
  const wanted = Buffer.from(words);
  let heard = Buffer.alloc(0);
  while (heard.length < wanted.length) {
    const chunk = socket.read() as Buffer | null;
    if (chunk) heard = Buffer.concat([heard, chunk]);
    else await once(socket, 'readable');
  }
  if (!heard.equals(wanted)) socket.resetAndDestroy();
}

const play =
  (turns: Turns, secure = false) =>
  async (socket: Socket): Promise<void> => {
    for (const [heard, said] of turns) {
      await hear(socket, heard);
      socket.write(said);
    }
    if (secure) new TLSSocket(socket, { isServer: true, ...certificates.good }).on('error', () => {});
  };

const ldapName = '1.3.6.1.4.1.1466.20037';
const ldapRequest = Buffer.concat([Buffer.from('301d02010177188016', 'hex'), Buffer.from(ldapName)]);
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const sslRequest = hex('00000008 04d2162f');

describe('the upgrade to TLS', () => {
  it.each<[StartTlsProtocol, string, Turns]>([
    [
      'smtp',
      'with extensions over many lines',
      [
        ['', '220-mail.example\r\n220 ready\r\n'],
        ['EHLO dotmac.invalid\r\n', '250-mail.example\r\n250-SIZE 1000\r\n250 starttls\r\n'],
        ['STARTTLS\r\n', '220 go\r\n'],
      ],
    ],
    [
      'imap',
      'with untagged lines before the answer',
      [
        ['', '* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n'],
        ['a1 STARTTLS\r\n', '* CAPABILITY IMAP4rev1\r\na1 OK begin\r\n'],
      ],
    ],
    [
      'pop3',
      'with a timestamp in the greeting',
      [
        ['', '+OK ready <1@example>\r\n'],
        ['STLS\r\n', '+OK\r\n'],
      ],
    ],
    [
      'ftp',
      'with a greeting of free lines',
      [
        ['', '220-Welcome\r\n  to this server\r\n220 ready\r\n'],
        ['AUTH TLS\r\n', '234 go\r\n'],
      ],
    ],
    ['postgres', 'with its one byte', [[sslRequest, 'S']]],
    ['ldap', 'with short lengths', [[ldapRequest, hex('300c 020101 7807 0a0100 0400 0400')]]],
    [
      'ldap',
      'with long lengths and a name',
      [
        [
          ldapRequest,
          Buffer.concat([hex('3084 00000028 020101 7884 0000001f 0a0100 0400 0400 8a16'), Buffer.from(ldapName)]),
        ],
      ],
    ],
  ])('is done as %s does, %s', async (starttls, _, turns) => {
    const { port, accepted } = await serving(createServer(), undefined, play(turns, true));
    const { phases, ...result } = await tls({ port, config: { starttls, days: 30 } });
    expect(result).toMatchObject({ status: 'degraded', message: 'The certificate expires within 30 days' });
    expect(result.responseTimeMs).toBe((phases?.connectMs ?? NaN) + (phases?.tlsMs ?? NaN));
    expect(phases?.firstByteMs).toBeGreaterThan(0);
    expect(phases?.transferMs).toBeGreaterThanOrEqual(0);
    await expect.poll(() => accepted[0]?.closed).toBe(true);
  });

  it.each<[StartTlsProtocol, string, Turns, string]>([
    ['smtp', 'is greeted badly', [['', '554 no\r\n']], 'The greeting is SMTP 554'],
    [
      'smtp',
      'is not offered',
      [
        ['', '220 hi\r\n'],
        ['EHLO dotmac.invalid\r\n', '250-me\r\n250 SIZE\r\n'],
      ],
      'STARTTLS is not offered',
    ],
    [
      'smtp',
      'is put off',
      [
        ['', '220 hi\r\n'],
        ['EHLO dotmac.invalid\r\n', '250-me\r\n250 STARTTLS\r\n'],
        ['STARTTLS\r\n', '454 later\r\n'],
      ],
      'The answer to STARTTLS is SMTP 454',
    ],
    ['imap', 'is greeted with BYE', [['', '* BYE\r\n']], 'The answer is not an IMAP greeting'],
    ['imap', 'comes too late, after PREAUTH', [['', '* PREAUTH hi\r\n']], 'The answer is not an IMAP greeting'],
    [
      'imap',
      'is refused',
      [
        ['', '* OK hi\r\n'],
        ['a1 STARTTLS\r\n', 'a1 BAD what\r\n'],
      ],
      'IMAP refused TLS',
    ],
    [
      'imap',
      'is answered without end',
      [
        ['', '* OK hi\r\n'],
        ['a1 STARTTLS\r\n', '* x\r\n'.repeat(300)],
      ],
      'IMAP refused TLS',
    ],
    ['pop3', 'is greeted badly', [['', '-ERR busy\r\n']], 'The answer is not a POP3 greeting'],
    [
      'pop3',
      'is refused',
      [
        ['', '+OK hi\r\n'],
        ['STLS\r\n', '-ERR what\r\n'],
      ],
      'POP3 refused TLS',
    ],
    ['ftp', 'is greeted with a delay', [['', '120 in 5 minutes\r\n']], 'The greeting is FTP 120'],
    [
      'ftp',
      'is refused',
      [
        ['', '220 hi\r\n'],
        ['AUTH TLS\r\n', '530 no\r\n'],
      ],
      'The answer to AUTH TLS is FTP 530',
    ],
    ['postgres', 'is refused', [[sslRequest, 'N']], 'PostgreSQL refused TLS'],
    ['postgres', 'is answered with an error', [[sslRequest, 'E\0\0\0\x05\0']], 'PostgreSQL refused TLS'],
    ['postgres', 'is no PostgreSQL', [[sslRequest, 'HTTP/1.1 400\r\n']], 'The answer is not PostgreSQL'],
    ['ldap', 'is refused', [[ldapRequest, hex('300c 020101 7807 0a0102 0400 0400')]], 'LDAP refused TLS with result 2'],
    ['ldap', 'is no LDAP', [[ldapRequest, 'HTTP/1.1 400 Bad Request\r\n']], 'The answer is not LDAP'],
    ['ldap', 'is another answer', [[ldapRequest, hex('300c 020101 6107 0a0100 0400 0400')]], 'The answer is not LDAP'],
    ['ldap', 'is answered too briefly', [[ldapRequest, hex('3005 020101 7805')]], 'The answer is not LDAP'],
    ['ldap', 'promises gigabytes', [[ldapRequest, hex('3084 7fffffff 020101')]], 'The answer is not LDAP'],
    ['ldap', 'has no length', [[ldapRequest, hex('3080 020101 0000')]], 'The answer is not LDAP'],
    ['ldap', 'has no result', [[ldapRequest, hex('3007 020101 7802 0a00')]], 'LDAP refused TLS with result none'],
  ])('of %s is critical when it %s', async (starttls, _, turns, message) => {
    const { port, accepted } = await serving(createServer(), undefined, play(turns));
    const result = await tls({ port, config: { starttls } });
    expect(result).toMatchObject({ status: 'critical', message, responseTimeMs: expect.any(Number) as number });
    expect(accepted).toHaveLength(1);
    await expect.poll(() => accepted[0]?.closed || accepted[0]?.readableEnded).toBe(true);
  });

  it.each<[StartTlsProtocol, Turns]>([
    [
      'smtp',
      [
        ['', '220 hi\r\n'],
        ['EHLO dotmac.invalid\r\n', '250-me\r\n250 STARTTLS\r\n'],
        ['STARTTLS\r\n', '220 go\r\n250-me\r\n250 AUTH PLAIN\r\n'],
      ],
    ],
    [
      'imap',
      [
        ['', '* OK hi\r\n'],
        ['a1 STARTTLS\r\n', 'a1 OK go\r\n* OK injected\r\n'],
      ],
    ],
    ['postgres', [[sslRequest, 'SE']]],
    ['ldap', [[ldapRequest, hex('300c 020101 7807 0a0100 0400 0400 30')]]],
  ])('of %s is critical when more was said in clear text after it', async (starttls, turns) => {
    const { port } = await serving(createServer(), undefined, play(turns, true));
    expect(await tls({ port, config: { starttls } })).toMatchObject({
      status: 'critical',
      message: 'Spoke on before TLS was agreed on',
    });
  });

  it.each<StartTlsProtocol>(['smtp', 'imap', 'pop3', 'ftp', 'postgres', 'ldap'])(
    'of %s is offline with a server that hangs up or keeps silent, and critical with one that floods',
    async (starttls) => {
      const config = { starttls };
      const rude = await serving(createServer(), undefined, (socket) => socket.end());
      expect(await tls({ port: rude.port, config })).toMatchObject({ status: 'offline' });
      const silent = await serving(createServer());
      expect(await tls({ port: silent.port, config, timeoutMs: 150 })).toMatchObject({
        status: 'offline',
        message: 'No answer in time',
      });
      const flooding = await serving(createServer(), undefined, (socket) => {
        const flood = (): void => {
          while (socket.writable && socket.write('x'.repeat(1_000)));
        };
        socket.on('drain', flood);
        flood();
      });
      expect(await tls({ port: flooding.port, config })).toMatchObject({ status: 'critical' });
    },
  );

  it('leads to the certificate being judged', async () => {
    const turns: Turns = [[sslRequest, 'S']];
    const { port } = await serving(createServer(), undefined, play(turns, true));
    const config = { starttls: 'postgres', servername: 'other.test' };
    expect(await tls({ port, config })).toMatchObject({
      status: 'critical',
      message: 'The certificate is not valid for this host',
    });
  });
});

describe('a configuration', () => {
  it.each([{ starttls: 'gopher' }, { days: -1 }, { days: 'soon' }, { servername: '' }, { other: 1 }])(
    'is refused: %j',
    (config) => {
      expect(tlsProbe.config.safeParse(config).success).toBe(false);
    },
  );
});
