import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates, type Certificates, type KeyPair } from '../../../core/test/net/certificates.js';
import { closedPort } from '../../../../test/support/ports.js';
import { smtpProbe } from '../../src/probes/smtp.js';
import { probed, serving, type Probing } from '../support/probing.js';

const smtp = (probing: Probing) => probed(smtpProbe, probing);

let certificates: Certificates;
beforeAll(() => {
  certificates = makeCertificates();
});

/** How a mail server answers, and what it heard. */
interface Mail {
  greeting?: string;
  EHLO?: string;
  STARTTLS?: string;
  pair?: KeyPair;
  heard?: string[];
}

const extensions = '250-mail.test greets you\r\n250-SIZE 10240000\r\n250-starttls\r\n250 HELP\r\n';

/** A mail server that answers in these words. */
function mail(settings: Mail = {}): (socket: Socket) => void {
  const { greeting = '220 mail.test ESMTP\r\n', EHLO = extensions, STARTTLS = '220 go\r\n', heard = [] } = settings;
  const converse = (socket: Socket): void => {
    const lines = createInterface(socket).on('line', (line) => {
      heard.push(line);
      if (line.startsWith('EHLO')) socket.write(EHLO);
      if (line === 'QUIT') socket.end('221 bye\r\n');
      if (line !== 'STARTTLS') return;
      lines.removeAllListeners().close();
      socket.write(STARTTLS);
      const pair = settings.pair ?? certificates.good;
      converse(new TLSSocket(socket, { isServer: true, ...pair }).on('error', () => {}));
    });
  };
  return (socket) => {
    socket.write(greeting);
    converse(socket);
  };
}

describe('a mail server', () => {
  it('that greets and answers EHLO is healthy, and is taken leave of', async () => {
    const heard: string[] = [];
    const { port, accepted } = await serving(createServer(), undefined, mail({ heard }));
    const { status, message, responseTimeMs, phases } = await smtp({ port });
    expect([status, message]).toEqual(['healthy', 'Answered SMTP 250']);
    expect(responseTimeMs).toBeGreaterThan(0);
    expect(phases).toEqual({
      dnsMs: 0,
      connectMs: expect.any(Number) as number,
      firstByteMs: expect.any(Number) as number,
      transferMs: expect.any(Number) as number,
    });
    await expect.poll(() => accepted[0]?.closed).toBe(true);
    expect(heard).toEqual(['EHLO dotmac.invalid', 'QUIT']);
  });

  it('is given the name that is configured', async () => {
    const heard: string[] = [];
    const { port } = await serving(createServer(), undefined, mail({ heard }));
    expect(await smtp({ port, config: { ehlo: 'monitor.example' } })).toMatchObject({ status: 'healthy' });
    expect(heard[0]).toBe('EHLO monitor.example');
  });

  it('is judged by conditions on its extensions', async () => {
    const { port } = await serving(createServer(), undefined, mail());
    const offers = (value: string) =>
      smtp({ port, conditions: [{ on: 'extensions', op: 'contains', value, severity: 'degraded' }] });
    for (const extension of ['SIZE', 'STARTTLS', 'HELP'])
      expect(await offers(extension)).toMatchObject({ status: 'healthy' });
    expect(await offers('CHUNKING')).toMatchObject({ status: 'degraded' });
  });

  it('that greets later than expected is degraded', async () => {
    const { port } = await serving(createServer(), undefined, (socket) => void setTimeout(() => mail()(socket), 120));
    expect(await smtp({ port, expectedResponseTimeMs: 100 })).toMatchObject({
      status: 'degraded',
      message: 'Answered SMTP 250, slower than expected',
    });
  });

  it('that does not care for QUIT is not waited for', async () => {
    const { port } = await serving(createServer(), undefined, (socket) => {
      socket.write('220 hi\r\n');
      socket.once('data', () => socket.write(extensions));
    });
    expect(await smtp({ port, timeoutMs: 20_000 })).toMatchObject({ status: 'healthy' });
  });
});

describe('a mail server that answers wrongly is critical', () => {
  it.each<[string, Mail, string]>([
    ['a refusal', { greeting: '554-no\r\n554 service\r\n' }, 'The greeting is SMTP 554'],
    ['a delay', { greeting: '421 busy\r\n' }, 'The greeting is SMTP 421'],
    ['another kind of success', { greeting: '250 hi\r\n' }, 'The greeting is SMTP 250'],
    ['EHLO refused', { EHLO: '502 what\r\n' }, 'The answer to EHLO is SMTP 502'],
    ['EHLO put off', { EHLO: '451 later\r\n' }, 'The answer to EHLO is SMTP 451'],
    ['another protocol', { greeting: 'SSH-2.0-OpenSSH_9.2\r\n' }, 'The answer is not SMTP'],
    ['two numbers in one answer', { EHLO: '250-a\r\n251 b\r\n' }, 'The answer is not SMTP'],
    ['an answer without end', { EHLO: '250-a\r\n'.repeat(300) }, 'The answer is not SMTP'],
    ['a line without end', { greeting: `220 ${'x'.repeat(10_000)}` }, 'The answer is not SMTP'],
  ])('with %s', async (_, settings, message) => {
    const { port } = await serving(createServer(), undefined, mail(settings));
    const responseTimeMs = expect.any(Number) as number;
    expect(await smtp({ port })).toMatchObject({ status: 'critical', responseTimeMs, message });
  });

  it('with half an answer', async () => {
    const { port } = await serving(createServer(), undefined, (socket) => socket.end('220 mai'));
    expect(await smtp({ port })).toMatchObject({ status: 'critical', message: 'The answer is not SMTP' });
  });
});

describe('a mail server that does not answer is offline', () => {
  it('when it refuses, hangs up, or keeps silent', async () => {
    expect(await smtp({ port: await closedPort() })).toMatchObject({ status: 'offline' });
    const rude = await serving(createServer(), undefined, (socket) => socket.end());
    expect(await smtp({ port: rude.port })).toMatchObject({ message: 'The connection was closed' });
    const silent = await serving(createServer(), undefined, (socket) => socket.resume());
    const message = 'No answer in time';
    expect(await smtp({ port: silent.port, timeoutMs: 200 })).toMatchObject({ status: 'offline', message });
    await expect.poll(() => silent.accepted[0]?.closed).toBe(true);
  });

  it('unless it is the check that was stopped', async () => {
    const heard: string[] = [];
    const { port, accepted } = await serving(createServer(), undefined, mail({ EHLO: '250-', heard }));
    const stop = new AbortController();
    const check = smtp({ port, signal: stop.signal });
    await expect.poll(() => heard.length).toBe(1);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
    await expect.poll(() => accepted[0]?.closed).toBe(true);
  });
});

describe('TLS', () => {
  it('is agreed on when it is offered, and then everything is asked anew', async () => {
    const heard: string[] = [];
    const { port, accepted } = await serving(createServer(), undefined, mail({ heard }));
    const condition = { on: 'certificate.authorized', op: 'eq', value: true, severity: 'critical' } as const;
    const config = { starttls: true, tls: { ca: certificates.ca } };
    const { phases, ...result } = await smtp({ port, config, conditions: [condition] });
    expect(result).toMatchObject({ status: 'healthy', message: 'Answered SMTP 250' });
    expect(phases?.tlsMs).toBeGreaterThan(0);
    await expect.poll(() => accepted[0]?.closed).toBe(true);
    expect(heard).toEqual(['EHLO dotmac.invalid', 'STARTTLS', 'EHLO dotmac.invalid', 'QUIT']);
  });

  it('is spoken from the start where that is configured', async () => {
    const heard: string[] = [];
    const { port } = await serving(createTlsServer(certificates.good, mail({ heard })));
    const { ca } = certificates;
    expect(await smtp({ port, config: { secure: true, tls: { ca } } })).toMatchObject({ status: 'healthy' });
    await expect.poll(() => heard).toEqual(['EHLO dotmac.invalid', 'QUIT']);
    expect(await smtp({ port, config: { secure: true } })).toMatchObject({ status: 'critical' });
    const config = { secure: true, tls: { ca, days: 30 } };
    expect(await smtp({ port, config })).toMatchObject({ message: 'The certificate expires within 30 days' });
  });

  it.each<[string, Mail, string]>([
    ['that is not offered', { EHLO: '250-mail.test\r\n250 SIZE\r\n' }, 'STARTTLS is not offered'],
    ['that is put off', { STARTTLS: '454 later\r\n' }, 'The answer to STARTTLS is SMTP 454'],
    ['with something said before it', { STARTTLS: '220 go\r\n250 x\r\n' }, 'Spoke on before TLS was agreed on'],
  ])('%s is critical', async (_, settings, message) => {
    const { port } = await serving(createServer(), undefined, mail(settings));
    const config = { starttls: true, tls: { ca: certificates.ca } };
    expect(await smtp({ port, config })).toMatchObject({ status: 'critical', message });
  });

  it('with a certificate that has expired is critical', async () => {
    const { port } = await serving(createServer(), undefined, mail({ pair: certificates.expired }));
    const config = { starttls: true, tls: { ca: certificates.ca } };
    const message = 'The certificate has expired';
    expect(await smtp({ port, config })).toMatchObject({ status: 'critical', message });
  });
});

describe('a configuration', () => {
  it.each([
    { ehlo: '' },
    { ehlo: 'a\r\nMAIL FROM:<b>' },
    { starttls: true, secure: true },
    { tls: {} },
    { starttls: 'smtp' },
    { other: 1 },
  ])('is refused: %j', (config) => {
    expect(smtpProbe.config.safeParse(config).success).toBe(false);
  });
});
