// Checks as fast as they go, ten at once: the bare call in turns with the probe that does the same. Prints rates as JSON.
import { request } from 'node:http';
import { connect } from 'node:net';
import { systemClock } from '@dotmac/core';
import { createConnector } from '@dotmac/core/net';
import { probeRegistry, runProbe } from '@dotmac/health';

const { tcp, http, seconds } = JSON.parse(process.argv[2]);
const host = '127.0.0.1';
const connector = createConnector({ policy: { allow: ['loopback'] } });
const probes = probeRegistry();
const { signal } = new AbortController();
const probing = (serviceType, port) => {
  const probe = probes.get(serviceType);
  const target = { host, port, config: probe.config.parse({}) };
  const expected = { timeoutMs: 5_000, expectedResponseTimeMs: 1_000, conditions: [] };
  return async () => {
    const { status, message } = await runProbe({ probe, target, expected, connector, clock: systemClock, signal })
      .result;
    if (status !== 'healthy') throw new Error(message);
  };
};
const work = {
  tcp: [
    () =>
      new Promise((resolve, reject) => {
        const socket = connect({ host, port: tcp }, () => {
          socket.destroy();
          resolve();
        }).on('error', reject);
      }),
    probing('tcp', tcp),
  ],
  http: [
    () =>
      new Promise((resolve, reject) => {
        request({ host, port: http, agent: false }, (response) => {
          response.destroy();
          resolve();
        })
          .on('error', reject)
          .end();
      }),
    probing('http', http),
  ],
};
const rate = async (check) => {
  const until = performance.now() + seconds * 1_000;
  let done = 0;
  const line = async () => {
    while (performance.now() < until) {
      await check();
      done++;
    }
  };
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: 10 }, line));
  const { user, system } = process.cpuUsage(cpu);
  return { rate: done / seconds, cpu: (user + system) / 1e3 / done };
};
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const figures = {};
for (const [name, pair] of Object.entries(work)) {
  const rounds = [];
  for (let round = 0; round < 5; round++) rounds.push([await rate(pair[0]), await rate(pair[1])]);
  const of = (side, key) => median(rounds.map((it) => it[side][key]));
  figures[name] = { bare: of(0, 'rate'), probe: of(1, 'rate'), bareCpu: of(0, 'cpu'), probeCpu: of(1, 'cpu') };
}
console.log(JSON.stringify(figures));
