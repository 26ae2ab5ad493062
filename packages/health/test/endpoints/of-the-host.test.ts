import { sqlite } from '@dotmac/core/kysely';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, kyselyHealthStore, memoryHealthStore } from '../../src/index.js';
import { acme, paths, quiet } from '../support/quiet.js';

describe('an endpoint that the host registers', () => {
  const egress = { hostEgress: { allow: ['loopback'] } };
  const own = { name: 'own', host: '127.0.0.1', serviceType: 'tcp', retryCount: 1 };
  async function listening() {
    const server = createTcpServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return (server.address() as AddressInfo).port;
  }

  it('may lie where tenants’ may not, and theirs not where it may', async () => {
    const health = createHealth({ store: memoryHealthStore(), ...egress });
    onTestFinished(() => health.stop());
    await health.start();
    const { endpoints } = health.scope(acme);
    const draft = { ...own, port: await listening() };
    await expect(endpoints.register(draft)).rejects.toMatchObject(paths('host'));
    const elsewhere = { ...own, host: '8.8.8.8', port: 53 };
    await expect(endpoints.register(elsewhere, { asHost: true })).rejects.toMatchObject(paths('host'));
    await endpoints.register(elsewhere);
    const { id, registeredBy } = await endpoints.register(draft, { asHost: true });
    expect(registeredBy).toBe('host');
    expect(await endpoints.check(id)).toMatchObject({ status: 'healthy' });
    const many = [draft, draft];
    const told = async (options?: { asHost: boolean }) =>
      (await endpoints.registerMany(many, options)).map(({ status }) => status);
    expect([await told(), await told({ asHost: true })]).toEqual([
      ['refused', 'refused'],
      ['created', 'created'],
    ]);
  });

  it('is a tenant’s once a tenant says what is asked of it, or where', async () => {
    const { endpoints } = quiet(egress);
    const { id } = await endpoints.register({ ...own, port: 4_000 }, { asHost: true });
    const renamed = await endpoints.update(id, { name: 'still the host’s', checkInterval: 60, tags: ['core'] });
    expect(renamed).toMatchObject({ name: 'still the host’s', registeredBy: 'host' });
    // Who may guess at an answer as often as they like can spell it out.
    const guess = { conditions: [{ on: 'latency', op: 'gt' as const, value: 3 }] };
    for (const changes of [{ port: 22 }, { config: { script: [{ send: 'quit' }] } }, { host: '127.0.0.2' }, guess])
      await expect(endpoints.update(id, changes)).rejects.toMatchObject(paths('host'));
    expect(await endpoints.get(id)).toMatchObject({ host: '127.0.0.1', port: 4_000, registeredBy: 'host' });
    expect(await endpoints.update(id, { port: 22 }, { asHost: true })).toMatchObject({ registeredBy: 'host' });
    const moved = await endpoints.update(id, { host: 'gw.example.com', port: 443 });
    expect(moved.registeredBy).toBe('tenant');
    expect((await endpoints.update(id, { name: 'again' }, { asHost: true })).registeredBy).toBe('host');
  });

  it('is sent no secret of a tenant’s', async () => {
    const heard: string[] = [];
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (said: Buffer) => {
        heard.push(said.toString());
        socket.end('OK\r\n');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const secret = 'a secret of thirty-two characters';
    const health = createHealth({ store: memoryHealthStore(), secret, ...egress });
    onTestFinished(() => health.stop());
    await health.start();
    const { endpoints } = health.scope(acme);
    const config = { script: [{ send: 'AUTH ${secrets.token}\r\n', expect: 'OK' }] };
    const { id } = await endpoints.register({ ...own, port, config, secrets: { token: 'one' } }, { asHost: true });
    const smuggled = endpoints.update(id, { secrets: { token: 'x\r\nFLUSHALL' } });
    await expect(smuggled).rejects.toMatchObject(paths('host'));
    await endpoints.check(id);
    const rotated = await endpoints.update(id, { secrets: { token: 'two' } }, { asHost: true });
    expect(rotated.registeredBy).toBe('host');
    expect(await endpoints.check(id)).toMatchObject({ status: 'healthy' });
    expect(new Set(heard)).toEqual(new Set(['AUTH one\r\n', 'AUTH two\r\n']));
  });

  it('is still the host’s after a restart', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    const store = kyselyHealthStore(database);
    const first = createHealth({ store, monitoring: false, ...egress });
    await first.start();
    const port = await listening();
    const { id } = await first.scope(acme).endpoints.register({ ...own, port }, { asHost: true });
    await first.stop();
    const second = createHealth({ store, ...egress });
    onTestFinished(() => second.stop());
    await second.start();
    expect(await second.scope(acme).endpoints.check(id)).toMatchObject({ status: 'healthy' });
    expect(await second.scope(acme).endpoints.get(id)).toMatchObject({ registeredBy: 'host' });
  });
});
