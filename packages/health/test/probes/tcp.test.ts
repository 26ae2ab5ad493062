import { createConnector, createResolver } from '@dotmac/core/net';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { closedPort, deafPort } from '../../../core/test/net/listeners.js';
import { tcpProbe } from '../../src/probes/tcp.js';
import { connectorKnowing, loopback, probed, serving } from '../support/probing.js';

const tcp = (context: Parameters<typeof probed>[1]) => probed(tcpProbe, context);

describe('a server that accepts', () => {
  it('is healthy, and hung up on', async () => {
    const { port, accepted } = await serving(createServer());
    const { status, responseTimeMs, message } = await tcp({ port });
    expect([status, message]).toEqual(['healthy', 'Connected']);
    expect(responseTimeMs).toBeGreaterThan(0);
    expect(responseTimeMs).toBeLessThan(4_000);
    await expect
      .poll(() => accepted[0]?.closed || accepted[0]?.readableEnded || accepted[0]?.readyState)
      .not.toBe('open');
  });

  it('is reached by its name, and by its IPv6 address with and without brackets', async () => {
    const { port } = await serving(createServer(), '::1');
    const connector = await connectorKnowing({ 'six.test': { aaaa: ['::1'] } });
    for (const host of ['::1', '[::1]', 'six.test', 'SIX.test.'])
      expect((await tcp({ host, port, connector })).status).toBe('healthy');
  });

  it('is degraded when the connection takes longer than expected', async () => {
    const deaf = await deafPort();
    onTestFinished(() => deaf.close());
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(deaf.port, '127.0.0.2', resolve));
    // Half of the timeout goes to the first address, which neither accepts nor refuses.
    const connector = await connectorKnowing({ 'slow.test': { a: ['127.0.0.1', '127.0.0.2'] } });
    const { status, responseTimeMs, message } = await tcp({
      host: 'slow.test',
      port: deaf.port,
      connector,
      timeoutMs: 1_000,
      expectedResponseTimeMs: 100,
    });
    expect([status, message]).toEqual(['degraded', 'Connected, slower than expected']);
    expect(responseTimeMs).toBeGreaterThan(100);
  });
});

describe('an endpoint that cannot be reached is offline', () => {
  it('when it refuses', async () => {
    expect(await tcp({ port: await closedPort() })).toEqual({
      status: 'offline',
      responseTimeMs: null,
      message: 'The connection was refused',
    });
  });

  it('when it neither accepts nor refuses within the timeout', async () => {
    const deaf = await deafPort();
    onTestFinished(() => deaf.close());
    const started = performance.now();
    expect(await tcp({ port: deaf.port, timeoutMs: 400 })).toEqual({
      status: 'offline',
      responseTimeMs: null,
      message: 'No answer in time',
    });
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  it('when its name does not exist', async () => {
    const connector = await connectorKnowing({});
    expect(await tcp({ host: 'gone.test', port: 80, connector })).toMatchObject({
      status: 'offline',
      message: 'There is no such host name',
    });
  });
});

describe('trouble of our own is unknown', () => {
  it.each(['REFUSED', 'SERVFAIL'] as const)('when our DNS server answers %s', async (rcode) => {
    const connector = await connectorKnowing({ 'gw.test': { rcode } });
    expect(await tcp({ host: 'gw.test', port: 80, connector })).toEqual({
      status: 'unknown',
      responseTimeMs: null,
      message: 'Our name resolution failed',
    });
  });

  it('when our DNS server is silent', async () => {
    const connector = await connectorKnowing({ 'gw.test': { silent: true } });
    expect(await tcp({ host: 'gw.test', port: 80, connector })).toMatchObject({ status: 'unknown' });
  });

  it('when our DNS server is silent for longer than the check may take', async () => {
    const connector = await connectorKnowing({ 'gw.test': { silent: true } });
    expect(await tcp({ host: 'gw.test', port: 80, connector, timeoutMs: 100 })).toMatchObject({ status: 'unknown' });
  });

  it('when our DNS server is not there', async () => {
    const resolver = createResolver({ servers: [`127.0.0.1:${await closedPort()}`], timeoutMs: 300, tries: 1 });
    const connector = createConnector({ policy: loopback, resolver });
    expect(await tcp({ host: 'gw.test', port: 80, connector })).toMatchObject({ status: 'unknown' });
  });

  it('when the check is stopped', async () => {
    const deaf = await deafPort();
    onTestFinished(() => deaf.close());
    const stop = new AbortController();
    const check = tcp({ port: deaf.port, signal: stop.signal });
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
  });
});

describe('a place where connecting is denied', () => {
  it.each(['169.254.169.254', '10.0.0.1', '[fd00:ec2::254]', '0x7f.1'])('is not connected to: %s', async (host) => {
    const { port, accepted } = await serving(createServer());
    const connector = createConnector();
    expect(await tcp({ host, port, connector })).toEqual({
      status: 'unknown',
      responseTimeMs: null,
      message: 'Connecting there is not allowed here',
    });
    expect(accepted).toEqual([]);
  });

  it('is not connected to when one of several addresses of a name is denied', async () => {
    const { port, accepted } = await serving(createServer());
    const connector = await connectorKnowing({ 'mixed.test': { a: ['127.0.0.1', '169.254.169.254'] } });
    expect(await tcp({ host: 'mixed.test', port, connector })).toMatchObject({ status: 'unknown' });
    expect(accepted).toEqual([]);
  });
});
