import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import Docker from 'dockerode';
import { describe, expect, it, onTestFinished } from 'vitest';
import { available, dockerSocket } from '../../../../test/support/services.js';
import { closedPort } from '../../../../test/support/ports.js';
import type { Condition } from '../../src/conditions/condition.js';
import { containerTarget } from '../../src/index.js';
import { targetProbe } from '../../src/probes/target.js';
import { checksWith } from '../support/checking.js';
import { probed, serving } from '../support/probing.js';

const engine = new Docker({ socketPath: dockerSocket });
const check = (docker: Docker, containerId: string, timeout = 20) =>
  checksWith({ docker }).run({ serviceType: 'container', containerId, timeout });

/** A container of a test's own, started; removed when the test is over. */
async function started(more: Partial<Docker.ContainerCreateOptions> = {}): Promise<Docker.Container> {
  const container = await engine.createContainer({
    name: `dotmac-test-${randomBytes(6).toString('hex')}`,
    Image: 'dotmac-busybox:test',
    Cmd: ['sleep', '300'],
    HostConfig: { NetworkMode: 'none' },
    StopTimeout: 0,
    ...more,
  });
  onTestFinished(() => container.remove({ force: true }));
  await container.start();
  return container;
}
const probing = (
  command: string[],
  more: Partial<Docker.HealthConfig> = {},
): Partial<Docker.ContainerCreateOptions> => {
  const second = 1e9;
  return {
    Healthcheck: { Test: ['CMD', ...command], Interval: second / 5, Timeout: 5 * second, Retries: 1, ...more },
  };
};
const poll = { timeout: 20_000, interval: 200 };

describe.skipIf(!available.docker)('a container (needs a Docker engine: npm run services)', () => {
  it('that runs is healthy, with its state, CPU and memory', async () => {
    const { id } = await started();
    const { status, message, responseTime, details } = await check(engine, id);
    expect([status, message]).toEqual(['healthy', 'It answered as expected']);
    expect(responseTime).toBeGreaterThan(0);
    expect(details).toMatchObject({ state: 'running', health: 'none', restarts: 0 });
    for (const fact of ['cpu_percent', 'memory_bytes', 'memory_limit_bytes', 'memory_percent'])
      expect(details[fact]).toBeGreaterThanOrEqual(0);
    expect(details['cpu_percent']).toBeLessThan(100 * 1_024);
    expect(details['uptime_seconds']).toBeGreaterThanOrEqual(0);
    expect(details['uptime_seconds']).toBeLessThan(300);
  });

  it('is found by its name, and as a target that the host named', async () => {
    const container = await started();
    const { Name: name } = await container.inspect();
    expect((await check(engine, name.slice(1))).details).toMatchObject({ state: 'running' });
    const checks = checksWith({ targets: { web: containerTarget(engine, container.id) } });
    const byTarget = await checks.run({ serviceType: 'container', target: 'web', timeout: 20 });
    expect(byTarget.details).toMatchObject({ state: 'running' });
    const byId = checks.run({ serviceType: 'container', containerId: container.id });
    await expect(byId).rejects.toMatchObject({ code: 'TARGET_NOT_FOUND' });
  });

  it('that has ended is critical', async () => {
    const container = await started();
    await container.kill();
    await container.wait();
    expect(await check(engine, container.id)).toEqual({
      status: 'critical',
      code: 'container_stopped',
      responseTime: null,
      message: 'The container is exited',
      details: {},
    });
  });

  it('that was only created is critical', async () => {
    const created = await engine.createContainer({ Image: 'dotmac-busybox:test', Cmd: ['sleep', '1'] });
    onTestFinished(() => created.remove({ force: true }));
    expect(await check(engine, created.id)).toMatchObject({
      status: 'critical',
      message: 'The container is created',
    });
  });

  it('that is paused is degraded', async () => {
    const container = await started();
    await container.pause();
    expect(await check(engine, container.id)).toMatchObject({
      status: 'degraded',
      message: 'The container is paused',
    });
  });

  it('whose own health check fails is critical', async () => {
    const { id } = await started(probing(['busybox', 'false']));
    await expect
      .poll(() => check(engine, id), poll)
      .toMatchObject({ status: 'critical', message: 'The container’s own health check fails' });
  });

  it('whose own health check passes says so', async () => {
    const { id } = await started(probing(['busybox', 'true']));
    await expect.poll(async () => (await check(engine, id)).details, poll).toMatchObject({ health: 'healthy' });
  });

  it('whose own health check has not spoken yet is degraded', async () => {
    const { id } = await started(probing(['sleep', '300'], { Interval: 300e9 }));
    expect(await check(engine, id)).toMatchObject({ status: 'degraded', message: 'The container is starting' });
  });

  it('that does not exist is offline', async () => {
    expect(await check(engine, 'dotmac-test-of-nobody')).toMatchObject({ status: 'offline', responseTime: null });
  });
});

describe.skipIf(!available.docker)('the conditions of a container (needs a Docker engine: npm run services)', () => {
  const judged = (container: Docker.Container, ...conditions: Condition[]) =>
    probed(targetProbe({ web: containerTarget(engine, container.id) }).container, {
      ...{ config: { target: 'web' }, conditions, timeoutMs: 20_000 },
    });

  it('say how much of its memory it may use', async () => {
    const container = await started({ HostConfig: { NetworkMode: 'none', Memory: 64 * 2 ** 20 } });
    const limit: Condition = { on: 'memory_limit_bytes', op: 'eq', value: 64 * 2 ** 20, severity: 'critical' };
    const below = (value: number): Condition => ({ on: 'memory_percent', op: 'lt', value, severity: 'degraded' });
    expect(await judged(container, limit, below(90))).toMatchObject({ status: 'healthy' });
    expect(await judged(container, limit, below(0))).toMatchObject({
      status: 'degraded',
      message: expect.stringContaining('memory_percent') as string,
    });
  });

  it('say how much CPU it may use', async () => {
    const [busy, idle] = [await started({ Cmd: ['busybox', 'sh', '-c', 'while :; do :; done'] }), await started()];
    const below = (value: number): Condition => ({ on: 'cpu_percent', op: 'lt', value, severity: 'degraded' });
    expect(await judged(idle, below(10))).toMatchObject({ status: 'healthy' });
    // Of one core, which others want as well.
    await expect
      .poll(() => judged(busy, below(10)), poll)
      .toMatchObject({
        status: 'degraded',
        message: expect.stringContaining('cpu_percent') as string,
      });
    expect(await judged(busy, below(150))).toMatchObject({ status: 'healthy' });
    await busy.pause();
    await busy.unpause();
  });

  it('say how often it may be restarted', async () => {
    const script = 'test -f /again && exec sleep 300; touch /again; exit 1';
    const container = await started({
      Cmd: ['busybox', 'sh', '-c', script],
      HostConfig: { NetworkMode: 'none', RestartPolicy: { Name: 'always' } },
    });
    const restarts = (op: 'eq' | 'lt', value: number): Condition => ({
      ...{ on: 'restarts', op, value, severity: 'critical' },
    });
    // Until it runs again it is critical, whatever the conditions say.
    await expect.poll(() => judged(container, restarts('eq', 1)), poll).toMatchObject({ status: 'healthy' });
    expect(await judged(container, restarts('lt', 1))).toMatchObject({
      status: 'critical',
      message: expect.stringContaining('restarts') as string,
    });
  });
});

describe('a container engine', () => {
  it('that is not there makes the container offline', async () => {
    const { status, details } = await check(new Docker({ socketPath: '/nonexistent/docker.sock' }), 'web-1');
    expect([status, details]).toEqual(['offline', {}]);
    const refused = new Docker({ host: '127.0.0.1', port: await closedPort(), protocol: 'http' });
    expect((await check(refused, 'web-1')).status).toBe('offline');
  });

  it('that never answers makes the container offline when the time is up', async () => {
    const { port, accepted } = await serving(createTcpServer(), undefined, (socket) => void socket.resume());
    const answer = await check(new Docker({ host: '127.0.0.1', port, protocol: 'http' }), 'web-1', 0.3);
    expect(answer).toMatchObject({ status: 'offline', message: 'No answer in time' });
    await expect.poll(() => accepted[0]?.closed || accepted[0]?.readableEnded).toBe(true);
  });

  it('that answers with an error makes it critical, and its words stay there', async () => {
    const server = createServer((_, response) => response.writeHead(500).end('{"message":"hunter2"}'));
    const { port } = await serving(server);
    const answer = await check(new Docker({ host: '127.0.0.1', port, protocol: 'http' }), 'web-1');
    expect(answer).toMatchObject({ status: 'critical', message: 'The container engine answered with an error' });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });
});
