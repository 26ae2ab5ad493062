// Requests per second through dotmac beside the bare framework that does the same work with its own validation.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';

const frameworks = { fastify: 0.7, express: 0.8 };
const requests = {
  'GET /network-monitoring/health': { method: 'GET', path: '/network-monitoring/health' },
  'POST /network-monitoring/endpoints': {
    method: 'POST',
    path: '/network-monitoring/endpoints',
    body: JSON.stringify({
      name: 'gateway',
      host: 'gw.example.com',
      port: 443,
      service_type: 'https',
      check_interval: 60,
    }),
  },
};
// Peers take turns, so that a slow minute of the machine falls on both; the medians are compared.
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const seconds = Number(process.env.BENCH_SECONDS ?? 4);

/** @returns requests per second, median of the rounds, for every kind of server */
async function measure(framework, request) {
  const servers = await Promise.all(['bare', 'dotmac'].map((kind) => start(framework, kind)));
  const rates = { bare: [], dotmac: [] };
  try {
    for (let round = -1; round < rounds; round++)
      for (const { kind, url } of servers) {
        const { path, ...sent } = request;
        const result = await autocannon({
          url: url + path,
          ...sent,
          connections: 50,
          duration: round < 0 ? 2 : seconds,
          headers: { authorization: 'Bearer bench-key', 'content-type': 'application/json' },
        });
        if (result.non2xx > 0 || result.errors > 0)
          throw new Error(`${framework} ${kind}: ${result.non2xx} answers other than 2xx, ${result.errors} errors`);
        if (round >= 0) rates[kind].push(result.requests.average);
      }
  } finally {
    for (const { child } of servers) child.kill();
  }
  return { bare: median(rates.bare), dotmac: median(rates.dotmac) };
}

async function start(framework, kind) {
  const child = fork(fileURLToPath(new URL(`./${kind}.mjs`, import.meta.url)), [framework]);
  const [started] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (!started?.url) throw new Error(`${kind} on ${framework} did not start`);
  return { child, kind, url: started.url };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** One figure a framework and request. */
export async function run() {
  const figures = [];
  for (const [framework, target] of Object.entries(frameworks))
    for (const [name, request] of Object.entries(requests)) {
      const { bare, dotmac } = await measure(framework, request);
      const ratio = dotmac / bare;
      const peer = `bare ${framework}: ${Math.round(bare)}/s`;
      const metric = `${framework} ${name}`;
      figures.push({
        metric,
        value: Math.round(dotmac),
        unit: 'requests/s',
        peer,
        ratio,
        target,
        met: ratio >= target,
      });
    }
  return figures;
}
