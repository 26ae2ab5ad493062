import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { closedPort } from '../../../../test/support/ports.js';
import { sshProbe } from '../../src/probes/ssh.js';
import { probed, serving, type Probing } from '../support/probing.js';

const ssh = (probing: Probing) => probed(sshProbe, probing);

/** Says this once it is connected to. */
const saying = (text: string) => (socket: Socket) => void socket.write(text);
const server = (text: string) => serving(createServer(), undefined, saying(text));
const openSsh = 'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n';

describe('an SSH server', () => {
  it.each([
    ['2.0', openSsh, '2.0', 'OpenSSH_9.2p1'],
    ['2.0 without comments, ended with LF alone', 'SSH-2.0-dropbear_2022.83\n', '2.0', 'dropbear_2022.83'],
    ['2.0 with a minus in its software', 'SSH-2.0-mod_sftp-1.0\r\n', '2.0', 'mod_sftp-1.0'],
    ['1.99', 'SSH-1.99-Cisco-1.25\r\n', '1.99', 'Cisco-1.25'],
    ['2.0 with lines before it', `Welcome\r\n\r\nto SSH-land\r\n${openSsh}`, '2.0', 'OpenSSH_9.2p1'],
    ['2.0 with fifty lines before it', 'x\r\n'.repeat(50) + openSsh, '2.0', 'OpenSSH_9.2p1'],
    ['2.0 with 255 characters', `SSH-2.0-${'x'.repeat(245)}\r\n`, '2.0', 'x'.repeat(245)],
  ])('of version %s is healthy', async (_, text, protocol, software) => {
    const { port } = await server(text);
    const conditions = [
      { on: 'protocol', op: 'eq', value: protocol, severity: 'critical' },
      { on: 'software', op: 'eq', value: software, severity: 'critical' },
    ] as const;
    const { phases, ...result } = await ssh({ port, conditions: [...conditions] });
    expect(result).toMatchObject({ status: 'healthy', message: `Answered SSH ${protocol}` });
    expect(result.responseTimeMs).toBeGreaterThanOrEqual((phases?.connectMs ?? NaN) + (phases?.firstByteMs ?? NaN));
  });

  it('hears who we are before we hang up', async () => {
    let heard = '';
    const { port, accepted } = await serving(createServer(), undefined, (socket) => {
      socket.on('data', (data) => (heard += String(data)));
      socket.write(openSsh);
    });
    expect(await ssh({ port })).toMatchObject({ status: 'healthy' });
    await expect.poll(() => accepted[0]?.closed).toBe(true);
    expect(heard).toBe('SSH-2.0-dotmac\r\n');
  });

  it('may be expected to run a software', async () => {
    const { port } = await server(openSsh);
    expect(await ssh({ port, config: { software: 'OpenSSH_9' } })).toMatchObject({ status: 'healthy' });
    expect(await ssh({ port, config: { software: 'dropbear' } })).toMatchObject({
      status: 'critical',
      responseTimeMs: expect.any(Number) as number,
      message: 'The server runs other software than expected',
    });
  });

  it('is judged by conditions', async () => {
    const { port } = await server(openSsh);
    const condition = { on: 'software', op: 'not_like', value: 'OpenSSH_9.2*', severity: 'degraded' } as const;
    expect(await ssh({ port, conditions: [condition] })).toMatchObject({ status: 'degraded' });
  });

  it('that answers later than expected is degraded', async () => {
    const { port } = await serving(createServer(), undefined, (socket) => {
      setTimeout(() => socket.write(openSsh), 120);
    });
    expect(await ssh({ port, expectedResponseTimeMs: 100 })).toMatchObject({
      status: 'degraded',
      message: 'Answered SSH 2.0, slower than expected',
    });
  });
});

describe('another answer is critical', () => {
  it.each([
    ['an old version', 'SSH-1.5-1.2.27\r\n', 'The server does not speak SSH 2.0'],
    ['a version that starts like ours', 'SSH-2.01-x\r\n', 'The server does not speak SSH 2.0'],
    ['no version', 'SSH-\r\n', 'The answer is not SSH'],
    ['no software', 'SSH-2.0-\r\n', 'The answer is not SSH'],
    ['no printable software', 'SSH-2.0-\u0007bell\r\n', 'The answer is not SSH'],
    ['too long an identification', `SSH-2.0-${'x'.repeat(246)}\r\n`, 'The answer is not SSH'],
    ['too many lines before it', 'x\r\n'.repeat(51) + openSsh, 'The answer is not SSH'],
    ['a line without end', 'x'.repeat(10_000), 'The answer is not SSH'],
  ])('with %s', async (_, text, message) => {
    const { port, accepted } = await server(text);
    const responseTimeMs = expect.any(Number) as number;
    expect(await ssh({ port })).toMatchObject({ status: 'critical', responseTimeMs, message });
    accepted[0]?.resume();
    await expect.poll(() => accepted[0]?.closed).toBe(true);
  });

  it.each([
    ['lines for people', 'Not allowed at this time\r\n'],
    ['half an identification', 'SSH-2.0-Open'],
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ])('with %s, and then the end', async (_, text) => {
    const { port } = await serving(createServer(), undefined, (socket) => socket.end(text));
    expect(await ssh({ port })).toMatchObject({ status: 'critical', message: 'The answer is not SSH' });
  });
});

describe('no answer', () => {
  it('is offline: refused, closed, silent', async () => {
    expect(await ssh({ port: await closedPort() })).toMatchObject({ status: 'offline' });
    const rude = await serving(createServer(), undefined, (socket) => socket.end());
    expect(await ssh({ port: rude.port })).toMatchObject({ message: 'The connection was closed' });
    const silent = await serving(createServer(), undefined, (socket) => socket.resume());
    const message = 'No answer in time';
    expect(await ssh({ port: silent.port, timeoutMs: 200 })).toMatchObject({ status: 'offline', message });
    await expect.poll(() => silent.accepted[0]?.closed).toBe(true);
  });

  it('is unknown when the check was stopped', async () => {
    const { port, accepted } = await serving(createServer(), undefined, (socket) => socket.resume());
    const stop = new AbortController();
    const check = ssh({ port, signal: stop.signal });
    await expect.poll(() => accepted.length).toBe(1);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
    await expect.poll(() => accepted[0]?.closed).toBe(true);
  });
});
