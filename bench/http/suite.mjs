// Requests per second through dotmac beside the bare framework that does the same with a validation of its own.
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
const servers = {
  dotmac: { program: 'dotmac' },
  // What the target is about: the price of the contract layer and the adapter.
  services: { program: 'bare', label: 'bare, same services' },
  // What all of dotmac costs beside the least that answers alike: no target, for the record.
  byHand: { program: 'bare', label: 'bare, one statement by hand', hasTarget: false },
};
// Servers take turns, so that a slow minute of the machine falls on all; the medians are compared.
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const seconds = Number(process.env.BENCH_SECONDS ?? 4);

/** @returns requests per second, median of the rounds, of every server */
async function measure(framework, request) {
  const running = [];
  const rates = Object.fromEntries(Object.keys(servers).map((kind) => [kind, []]));
  try {
    for (const kind of Object.keys(servers)) running.push(await start(framework, kind));
    for (let round = -1; round < rounds; round++)
      for (const { kind, url } of running) {
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
    for (const { child } of running) child.kill();
  }
  return Object.fromEntries(Object.entries(rates).map(([kind, measured]) => [kind, median(measured)]));
}

async function start(framework, kind) {
  const program = fileURLToPath(new URL(`./${servers[kind].program}.mjs`, import.meta.url));
  const child = fork(program, [framework, kind]);
  const [started] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (!started?.url) throw new Error(`${kind} on ${framework} did not start`);
  return { child, kind, url: started.url };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** A figure for each framework, request and peer. */
export async function run() {
  const figures = [];
  for (const [framework, wanted] of Object.entries(frameworks))
    for (const [name, request] of Object.entries(requests)) {
      const { dotmac, ...peers } = await measure(framework, request);
      for (const [kind, rate] of Object.entries(peers)) {
        const { label, hasTarget = true } = servers[kind];
        const ratio = dotmac / rate;
        figures.push({
          metric: `${framework} ${name}`,
          value: Math.round(dotmac),
          unit: 'requests/s',
          peer: `${label}: ${Math.round(rate)}/s`,
          ratio,
          target: hasTarget ? wanted : null,
          met: hasTarget ? ratio >= wanted : null,
        });
      }
    }
  return figures;
}
