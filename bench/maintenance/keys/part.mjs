// A million keys of a Redis of its own are removed, beside `redis-cli --scan | xargs redis-cli unlink`.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createMaintenance, memoryMaintenanceStore } from '@dotmac/maintenance';
import { Redis } from 'ioredis';

const execute = promisify(execFile);
const small = process.env.BENCH_SMALL !== undefined;
const keys = small ? 50_000 : 1_000_000;
const quietMs = small ? 2_000 : 10_000;
const rounds = small ? 1 : 3;
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

async function withRedis(work) {
  const [directory, port] = [mkdtempSync(join(tmpdir(), 'bench-redis-')), await freePort()];
  const settings = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
  const server = spawn('redis-server', [...settings, '--enable-debug-command', 'yes'].map(String), { stdio: 'ignore' });
  const redis = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 100, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  try {
    await redis.ping();
    return await work(redis, port);
  } finally {
    redis.disconnect();
    server.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

const fill = (redis) => redis.call('DEBUG', 'POPULATE', String(keys), 'bench:cache', '64');

/** What the server has used so far, in seconds. */
const serverCpu = async (redis) => {
  const report = await redis.info('cpu');
  return ['user', 'sys'].reduce((sum, it) => sum + Number(new RegExp(`used_cpu_${it}:([\\d.]+)`).exec(report)?.[1]), 0);
};

/** @param work gives back the CPU seconds of other processes than this and the server */
async function timed(redis, work) {
  await fill(redis);
  const [startedAt, own, server] = [performance.now(), process.cpuUsage(), await serverCpu(redis)];
  const others = (await work()) ?? 0;
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(own);
  const cpuSeconds = (await serverCpu(redis)) - server + others + (others === 0 ? (user + system) / 1e6 : 0);
  const left = await redis.dbsize();
  if (left !== 0) throw new Error(`${left} keys are left`);
  return { perSecond: keys / seconds, cpuSeconds };
}

/** What another client, in a process of its own, waits meanwhile. */
async function beside(port, work) {
  const path = new URL('./reader.mjs', import.meta.url).pathname;
  const child = spawn(process.execPath, [path, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  await once(child.stdout, 'data');
  await work();
  child.stdin.end();
  await once(child, 'exit');
  return JSON.parse(said.trim().split('\n').at(-1));
}

export async function run() {
  return withRedis(async (redis, port) => {
    const maintenance = createMaintenance({
      store: memoryMaintenanceStore(),
      caches: [
        { name: 'gently', redis: () => redis, pattern: 'bench:cache:*' },
        { name: 'at-once', redis: () => redis, pattern: 'bench:cache:*', dutyCycle: 1 },
      ],
      startScheduler: false,
    });
    await maintenance.start();
    const { runs } = maintenance.scope({ tenantId: 'bench' });
    const clean = async (policy) => {
      const result = await runs.run('cache_cleanup', { policies: [policy], redisCleanup: true });
      if (result.status !== 'completed') throw new Error(`${result.status}: ${result.errorMessage}`);
    };
    const pipe = `TIMEFORMAT='%U %S'; time (redis-cli -p ${port} --scan --pattern 'bench:cache:*' | xargs redis-cli -p ${port} unlink >/dev/null)`;
    const piped = async () => {
      const { stderr } = await execute('bash', ['-c', pipe]);
      return stderr
        .trim()
        .split(/\s+/)
        .map(Number)
        .reduce((sum, it) => sum + it, 0);
    };
    const rates = { gently: [], 'at-once': [], pipe: [] };
    for (let round = 0; round < rounds; round++) {
      rates.pipe.push(await timed(redis, piped));
      for (const policy of ['gently', 'at-once']) rates[policy].push(await timed(redis, () => clean(policy)));
    }
    const quiet = await beside(port, () => new Promise((resolve) => setTimeout(resolve, quietMs)));
    await fill(redis);
    const busy = await beside(port, () => clean('gently'));
    console.log(`another client: quiet ${JSON.stringify(quiet)}, busy ${JSON.stringify(busy)}`);
    await maintenance.stop();
    const of = (who, figure) => median(rates[who].map((it) => it[figure]));
    const peer = of('pipe', 'perSecond');
    const row = (metric, value, target) => {
      const ratio = value / peer;
      const beside = `redis-cli --scan, xargs unlink: ${Math.round(peer)}/s`;
      const met = target === null ? null : ratio >= target;
      return { metric, value, unit: 'keys/s', peer: beside, ratio, target, met };
    };
    const [cpu, theirCpu] = [of('at-once', 'cpuSeconds'), of('pipe', 'cpuSeconds')];
    return [
      row(`${keys} Redis keys removed, the server to itself`, of('at-once', 'perSecond'), 3),
      row(`${keys} Redis keys removed, a fifth of the server's time (the default)`, of('gently', 'perSecond'), null),
      {
        metric: `CPU of server and clients, ${keys} Redis keys`,
        value: cpu,
        unit: 's',
        peer: `redis-cli --scan, xargs unlink: ${theirCpu.toFixed(2)} s`,
        ratio: cpu / theirCpu,
        target: null,
        met: null,
      },
      {
        metric: "p99 of another client, a fifth of the server's time",
        value: busy.p99,
        unit: 'ms',
        peer: `quiet: ${quiet.p99.toFixed(1)} ms`,
        ratio: busy.p99 / quiet.p99,
        target: null,
        met: null,
      },
    ];
  });
}
