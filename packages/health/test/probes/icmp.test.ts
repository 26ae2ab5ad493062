import { systemClock } from '@dotmac/core';
import { createConnector } from '@dotmac/core/net';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { icmpProbe, pingWith } from '../../src/probes/icmp.js';
import { CannotCheck } from '../../src/probes/probe.js';
import { needed } from '../../../../test/support/services.js';
import { connectorKnowing, probed, type Probing } from '../support/probing.js';

const icmp = (probing: Probing = {}) => probed(icmpProbe, probing);
const working = (program: string, ...words: string[]) => spawnSync(program, words, { stdio: 'ignore' }).status === 0;
const canPing = working('ping', '-c', '1', '127.0.0.1');
const hasSix = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

/** A program for a test, and a place where it can leave something. */
function script(text: string): { program: string; left: string; read: () => string } {
  const folder = mkdtempSync(join(tmpdir(), 'dotmac-ping-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [program, left] = [join(folder, 'ping'), join(folder, 'left')];
  writeFileSync(program, `#!/bin/sh\n${text.replaceAll('$LEFT', left)}\n`);
  chmodSync(program, 0o755);
  return { program, left, read: () => readFileSync(left, 'utf8') };
}

/** What ping writes at its end. */
const ended = (counts: string, times = 'rtt min/avg/max/mdev = 1.250/2.500/4.000/0.010 ms') =>
  `cat <<'EOT'\nPING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.\n\n--- 127.0.0.1 ping statistics ---\n${counts}\n${times}\nEOT`;
const saying = (counts: string, times?: string) => pingWith(script(ended(counts, times)));

describe.skipIf(!canPing)('a host that answers', () => {
  it.each(['127.0.0.1', '127.1', 'localhost', 'LOCALHOST.'])('is healthy: %s', async (host) => {
    const started = performance.now();
    const { phases, ...result } = await icmp({ host });
    expect(result).toMatchObject({ status: 'healthy', message: 'Answered 1 of 1 requests' });
    expect(result.responseTimeMs).toBeLessThanOrEqual(performance.now() - started + 1);
    expect(phases).toEqual({ dnsMs: expect.any(Number) as number, firstByteMs: result.responseTimeMs });
  });

  it.skipIf(!hasSix)('is healthy over IPv6', async () => {
    const connector = await connectorKnowing({ 'six.test': { aaaa: ['::1'] } });
    for (const host of ['::1', '[::1]', 'six.test'])
      expect(await icmp({ host, connector })).toMatchObject({ status: 'healthy' });
  });

  it('is sent as many requests as are configured, of that size', async () => {
    const condition = { on: 'received', op: 'eq', value: 3, severity: 'critical' } as const;
    expect(await icmp({ config: { count: 3, size: 1_400 }, conditions: [condition] })).toMatchObject({
      status: 'healthy',
      message: 'Answered 3 of 3 requests',
    });
  });

  it('is healthy also when the requests are too small to carry the time', async () => {
    const { status, responseTimeMs } = await icmp({ config: { size: 0 } });
    expect(status).toBe('healthy');
    expect(responseTimeMs).toBeGreaterThan(0);
  });
});

/** A network of its own, where some of the requests are dropped. */
const dropping = (rule: string) =>
  `exec unshare -rn sh -c 'ip link set lo up; iptables -A INPUT -p icmp ${rule} -j DROP; exec ping "$@"' ping "$@"`;
const canDrop = canPing && working('unshare', '-rn', 'iptables', '-A', 'INPUT', '-p', 'icmp', '-j', 'DROP');
needed({ ping: canPing, 'ping in a network of its own': canDrop, 'IPv6 on loopback': hasSix });

describe.skipIf(!canDrop)('on a real network', () => {
  it('a black hole is offline before the check is over', async () => {
    const result = await probed(pingWith(script(dropping(''))), { config: { count: 2 }, timeoutMs: 3_290 });
    expect(result).toEqual({
      status: 'offline',
      code: 'no_answer',
      responseTimeMs: null,
      message: 'No request was answered',
    });
  });

  it('a loss of every other request is degraded', async () => {
    const everyOther = '--icmp-type echo-request -m statistic --mode nth --every 2 --packet 0';
    const result = await probed(pingWith(script(dropping(everyOther))), { config: { count: 4 } });
    expect(result).toMatchObject({ status: 'degraded', message: 'Answered only 2 of 4 requests' });
  });
});

describe('what ping says', () => {
  it('is there for conditions: times, loss and how many came back', async () => {
    const probe = saying('4 packets transmitted, 3 received, 25% packet loss, time 609ms');
    const facts = { min: 1.25, avg: 2.5, max: 4, loss: 25, received: 3 };
    const conditions = Object.entries(facts).map(
      ([on, value]) => ({ on, op: 'eq', value, severity: 'critical' }) as const,
    );
    const config = { count: 4, loss: 25 };
    expect(await probed(probe, { config, conditions })).toEqual({
      status: 'healthy',
      code: 'ok',
      responseTimeMs: 2.5,
      message: 'Answered 3 of 4 requests',
      phases: { dnsMs: 0, firstByteMs: 2.5 },
    });
  });

  it('is degraded when more was lost than may be', async () => {
    const probe = saying('3 packets transmitted, 2 received, 33.3333% packet loss, time 609ms');
    for (const [loss, status] of [
      [0, 'degraded'],
      [33, 'degraded'],
      [34, 'healthy'],
    ] as const)
      expect(await probed(probe, { config: { loss } })).toMatchObject({ status });
  });

  it('is degraded when the answers are later than expected', async () => {
    const probe = saying('1 packets transmitted, 1 received, 0% packet loss, time 0ms');
    const message = 'Answered 1 of 1 requests, slower than expected';
    expect(await probed(probe, { expectedResponseTimeMs: 2 })).toMatchObject({ status: 'degraded', message });
  });

  it.each([
    ['was answered', '2 packets transmitted, 0 received, 100% packet loss, time 202ms'],
    ['got through', '2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 202ms, pipe 2'],
  ])('is offline when no request %s', async (_, counts) => {
    expect(await probed(saying(counts, ''), {})).toEqual({
      status: 'offline',
      code: 'no_answer',
      responseTimeMs: null,
      message: 'No request was answered',
    });
  });

  it('counts no request twice', async () => {
    const probe = saying('2 packets transmitted, 2 received, +2 duplicates, 0% packet loss, time 202ms');
    expect(await probed(probe, {})).toMatchObject({ status: 'healthy', message: 'Answered 2 of 2 requests' });
  });

  it('is understood from BusyBox, too', async () => {
    const counts = '2 packets transmitted, 2 packets received, 0% packet loss';
    const probe = saying(counts, 'round-trip min/avg/max = 0.050/0.075/0.100 ms');
    expect(await probed(probe, {})).toMatchObject({ status: 'healthy', responseTimeMs: 0.075 });
  });

  it('is offline when there is no way there', async () => {
    const probe = pingWith(script('echo "ping: connect: Network is unreachable" >&2; exit 2'));
    expect(await probed(probe, {})).toMatchObject({ status: 'offline', message: 'The host cannot be reached' });
  });
});

describe('the program', () => {
  it('gets an address that was judged, numbers, and nothing of our environment', async () => {
    const { program, read } = script(`{ echo "$*"; env; } > $LEFT\n${ended('1 packets transmitted, 1 received')}`);
    const connector = await connectorKnowing({ 'host.test': { a: ['127.0.0.1'] } });
    process.env.DOTMAC_TEST_SECRET = 'hunter2';
    onTestFinished(() => void delete process.env.DOTMAC_TEST_SECRET);
    const config = { count: 3, size: 100 };
    await probed(pingWith({ program }), { host: 'host.test', connector, config, timeoutMs: 5_000 });
    const [words, ...environment] = read().trim().split('\n');
    expect(words).toBe('-n -q -4 -c 3 -i 0.2 -W 4 -s 100 127.0.0.1');
    expect(environment).toContain('LC_ALL=C');
    expect(environment.join()).not.toContain('hunter2');
  });

  it('is given the next address of a name when one does not answer', async () => {
    const [lost, found] = [
      '1 packets transmitted, 0 received, 100% packet loss',
      '1 packets transmitted, 1 received, 0% packet loss',
    ].map((counts) => ended(counts));
    const { program, read } = script(`echo "$*" >> $LEFT\ncase "$*" in\n*127.0.0.2)\n${lost}\n;;\n*)\n${found}\nesac`);
    const connector = await connectorKnowing({ 'two.test': { a: ['127.0.0.2', '127.0.0.1'] } });
    const result = await probed(pingWith({ program }), { host: 'two.test', connector });
    expect(result).toMatchObject({ status: 'healthy' });
    const runs = read().trim().split('\n');
    expect(runs.map((words) => words.split(' ').slice(-5).join(' '))).toEqual([
      '-W 2 -s 56 127.0.0.2',
      '-W 4 -s 56 127.0.0.1',
    ]);
  });

  it('is not run where connecting is denied, or without an address', async () => {
    const { program, left } = script('touch $LEFT');
    const probe = pingWith({ program });
    const connector = await connectorKnowing({
      'mixed.test': { a: ['127.0.0.1', '169.254.169.254'] },
      'bad.test': { rcode: 'SERVFAIL' },
    });
    for (const host of ['169.254.169.254', '10.0.0.1', '255.255.255.255', '[ff02::1]', '0x7f.1'])
      expect(await probed(probe, { host, connector: createConnector() })).toMatchObject({
        status: 'unknown',
        message: 'Connecting there is not allowed here',
      });
    const of = async (host: string) => (await probed(probe, { host, connector })).message;
    expect(await of('mixed.test')).toBe('Connecting there is not allowed here');
    expect(await of('gone.test')).toBe('There is no such host name');
    expect(await of('bad.test')).toBe('Our name resolution failed');
    expect(existsSync(left)).toBe(false);
  });

  it.each([
    ['is not there', () => '/nonexistent/ping', 'The ping program is not installed here'],
    ['cannot be run', () => tmpdir(), 'The ping program is not installed here'],
    [
      'may not send',
      () => script('echo "ping: socktype: SOCK_RAW: Operation not permitted" >&2; exit 2').program,
      'The ping program cannot send here',
    ],
    ['does not stop talking', () => script('exec yes').program, 'The ping program cannot send here'],
    ['says something else', () => script('echo hello').program, 'The ping program cannot send here'],
  ])('that %s is trouble of our own', async (_, program, message) => {
    const probe = pingWith({ program: program() });
    expect(await probed(probe, {})).toMatchObject({ status: 'unknown', responseTimeMs: null });
    const { signal } = new AbortController();
    const context = { host: '127.0.0.1', port: 0, timeoutMs: 2_000, signal, stop: signal };
    const connector = createConnector({ policy: { allow: ['loopback'] } });
    const run = probe.run({ ...context, connector, clock: systemClock, config: { count: 1, size: 56, loss: 0 } });
    await expect(run).rejects.toEqual(new CannotCheck(message, { code: 'ping_unavailable' }));
  });

  /** A program that says who it is, and then nothing. */
  const sleeper = () => script('echo $$ > $LEFT.new; mv $LEFT.new $LEFT; exec sleep 60');
  const isRunning = (pid: string) => working('kill', '-0', pid.trim());

  it('is ended when the check is stopped', async () => {
    const { program, left, read } = sleeper();
    const stop = new AbortController();
    const check = probed(pingWith({ program }), { signal: stop.signal });
    await expect.poll(() => existsSync(left)).toBe(true);
    const pid = read();
    expect(isRunning(pid)).toBe(true);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  it('is ended when the time is over', async () => {
    const { program, read } = sleeper();
    const result = await probed(pingWith({ program }), { timeoutMs: 3_000 });
    expect(result).toMatchObject({ status: 'offline', message: 'No answer in time' });
    await expect.poll(() => isRunning(read())).toBe(false);
  });

  it('is ended when it does not stop talking', async () => {
    const { program, read } = script('echo $$ > $LEFT; exec yes');
    expect(await probed(pingWith({ program }), {})).toMatchObject({ status: 'unknown' });
    await expect.poll(() => isRunning(read())).toBe(false);
  });

  it('is not started for a check that was stopped before', async () => {
    const { program, left } = script('touch $LEFT');
    const result = await probed(pingWith({ program }), { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
    expect(existsSync(left)).toBe(false);
  });
});

describe('a configuration', () => {
  it.each([{ count: 0 }, { count: 6 }, { count: 1.5 }, { size: -1 }, { size: 1_401 }, { loss: 101 }, { other: 1 }])(
    'is refused: %j',
    (config) => {
      expect(icmpProbe.config.safeParse(config).success).toBe(false);
    },
  );
});
