// Runs in network and mount namespaces of its own, as root: drives every way out over the whole corpus, and writes what
// left this machine, by the kernel's counters. Arguments: a folder for its files; its report is there as report.json.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, isIPv6 } from 'node:net';
import { join } from 'node:path';
import Docker from 'dockerode';
import { systemClock } from '@dotmac/core';
import { createConnector, createResolver, type Connector } from '@dotmac/core/net';
import { dnsStub, type StubAnswer } from '../../../core/test/net/dns-stub.js';
import { radiusProbe, snmpProbe } from '../../../probes-isp/src/index.js';
import { isNotDelivered } from '@dotmac/core/net';
import { webhookChannel } from '../../src/channels/webhook.js';
import { createHealth, memoryHealthStore } from '../../src/index.js';
import { probeRegistry } from '../../src/probes/registry.js';
import { runProbe } from '../../src/probes/run-probe.js';
import { adHocTarget } from '../../src/service-checks/ad-hoc.js';
import { checkTarget } from '../../src/service-checks/check-target.js';
import {
  edgeAddresses,
  edgeNames,
  edgeSpellings,
  forbiddenAddresses,
  forbiddenHosts,
  forbiddenLocations,
  forbiddenNames,
  rebindingNames,
  redirectStatuses,
  type NameCase,
} from './corpus.js';
import { countPackets, takePackets, type Packets } from './packets.js';
import { protocols, services, type EgressReport, type Protocol, type Rebinding, type Run } from './report.js';

const [folder = ''] = process.argv.slice(2);
/** Servers of the test's own, at addresses that tenants may reach. */
const [dnsAddress, webAddress] = ['9.9.9.9', '8.8.4.4'];
/** What is refused or turned back ends at once; this is for a machine that is busy. */
const patienceMs = 15_000;
const key = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const forbidden = Object.values(forbiddenAddresses).flat();
const system = (program: string, ...words: string[]): void =>
  void execFileSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });

/** Everything is reachable as far as routes go, by a device that leads back to here. */
function prepareNamespace(): void {
  system('ip', 'link', 'set', 'lo', 'up');
  for (const address of [dnsAddress, webAddress]) system('ip', 'addr', 'add', `${address}/32`, 'dev', 'lo');
  system('ip', 'route', 'add', 'default', 'dev', 'lo');
  system('ip', '-6', 'route', 'add', 'default', 'dev', 'lo');
  const files = {
    'resolv.conf': `nameserver ${dnsAddress}\nsearch inside.test\n`,
    hosts: '127.0.0.1 localhost\n::1 ip6-localhost\n10.0.0.5 intranet\n',
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text);
    system('mount', '--bind', join(folder, name), join('/etc', name));
  }
  countPackets(
    [...new Set([...forbidden, ...edgeAddresses, ...Object.values(edgeSpellings)])],
    [dnsAddress, webAddress],
  );
}

/** An answer that is another one each time that its A records are asked for. */
function turning(next: () => readonly string[]): StubAnswer {
  return Object.defineProperty({ ttl: 0 }, 'a', { get: next, enumerable: true });
}

function answerOf({ turns, ...answer }: NameCase): StubAnswer {
  let turn = 0;
  return turns ? turning(() => turns[Math.min(turn++, turns.length - 1)] ?? []) : answer;
}

async function serve(): Promise<void> {
  const names = Object.assign({}, forbiddenNames, edgeNames, ...protocols.map(rebindingNames)) as Record<
    string,
    NameCase
  >;
  const table = Object.fromEntries(Object.entries(names).map(([name, answer]) => [name, answerOf(answer)]));
  // c-ares caches nothing here, but the connector's own resolver does: it must not matter.
  const racing = turning(() => (Math.random() < 0.5 ? ['11.0.0.0'] : ['127.0.0.1']));
  await dnsStub({ ...table, 'racing.test': racing }, { address: dnsAddress, port: 53 });
  const web = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://web');
    const [status, to] = [searchParams.get('status'), searchParams.get('to')];
    // As bytes: a location may hold what is no ASCII.
    if (status && to) response.writeHead(Number(status), { location: Buffer.from(to, 'utf8').toString('latin1') });
    response.end();
  }).listen(80, webAddress);
  await once(web, 'listening');
}

/** Does many things, some at once. */
async function each<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: 40 }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

const registry = probeRegistry([snmpProbe(), radiusProbe()]);
const ports: Partial<Record<Protocol, number>> = { http: 80, tls: 443, smtp: 25, dns: 53, websocket: 80, webhook: 80 };
const configs: Partial<Record<Protocol, object>> = {
  http: { redirects: 3 },
  dns: { name: 'example.com' },
  snmp: { community: 'public' },
  radius: { method: 'status', secret: 'testing123' },
};

interface Visit {
  protocol: Protocol;
  host: string;
  connector: Connector;
  path?: string;
}

const isService = (protocol: Protocol): protocol is (typeof services)[number] =>
  (services as readonly Protocol[]).includes(protocol);
const bracketed = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);

/** Goes there as an endpoint or a channel does, and says how that ended. */
async function visit({ protocol, host, connector, path = '/' }: Visit): Promise<string> {
  const signal = new AbortController().signal;
  if (protocol === 'webhook') {
    const config = webhookChannel.config.safeParse({ url: `http://${bracketed(host)}${path}` });
    if (!config.success) return 'no URL';
    const message = { id: 'id', type: 'test' as const, tenantId: 'acme', channelId: 'id', at: 0, text: '', items: [] };
    const delivery = { message, attempt: 1, timeoutMs: patienceMs, connector, signal, clock: systemClock };
    return webhookChannel.deliver({ ...delivery, config: config.data, secrets: { key } }).then(
      () => 'delivered',
      (error: unknown) => (isNotDelivered(error) ? error.code : 'failed'),
    );
  }
  if (isService(protocol)) {
    const text = `${protocol.replace('-url', '')}://someone:hunter2@${bracketed(host)}:4000/0`;
    const serviceType = protocol === 'redis-url' ? 'redis' : 'database';
    try {
      const { message } = await checkTarget(adHocTarget(text, serviceType, connector, patienceMs), patienceMs, signal);
      return message;
    } catch {
      return 'no URL';
    }
  }
  const probe = registry.get(protocol);
  if (!probe) throw new Error(`There is no probe ${protocol}`);
  const config = probe.config.parse({ ...configs[protocol], ...(path !== '/' && { path }) }) as never;
  // ping waits for its time to be up even when it is turned back.
  const timeoutMs = protocol === 'icmp' ? patienceMs / 3 : patienceMs;
  const { message } = await runProbe({
    probe,
    target: { host, port: protocol === 'icmp' ? 0 : (ports[protocol] ?? 4_000), config },
    expected: { timeoutMs, expectedResponseTimeMs: timeoutMs, conditions: [] },
    connector,
    clock: systemClock,
    signal,
  }).result;
  return message;
}

/** How the guard refuses. */
const denials = new Set(['denied', 'Connecting there is not allowed here']);
/** Endings that mean that nobody was asked. */
const refusals = new Set([...denials, 'no URL', 'name_not_found', 'There is no such host name']);
/** How what is no host at all ends, and so may nothing that is one: it would have been tried, and failed. */
const unreadable = new Set(['failed', 'The check itself failed']);

function isHost({ host, connector }: Visit): boolean {
  try {
    connector.judgeHost(host);
    return true;
  } catch {
    return false;
  }
}

async function attempts(cases: readonly (Visit & { name: string })[], ended = refusals): Promise<Run> {
  const passed: string[] = [];
  let denied = 0;
  await each(cases, async ({ name, ...to }) => {
    const ending = await visit(to);
    if (denials.has(ending)) denied++;
    if (!ended.has(ending) && (isHost(to) || !unreadable.has(ending))) passed.push(`${name}: ${ending}`);
  });
  return { cases: cases.length, denied, packets: takePackets(), passed };
}

/** The same for every protocol; the connector is what tenants get when the host sets nothing. */
async function perProtocol<Result>(work: (protocol: Protocol, connector: Connector) => Promise<Result>) {
  const results: Partial<Record<Protocol, Result>> = {};
  for (const protocol of protocols) results[protocol] = await work(protocol, createConnector());
  return results as Record<Protocol, Result>;
}

/** What the same would be without a guard. */
async function unguarded(): Promise<Packets> {
  await each(forbidden, (host) => {
    const socket = connect({ host, port: 4_000, lookup: (_, __, found) => found(null, host, isIPv6(host) ? 6 : 4) });
    return new Promise((resolve) => socket.on('close', () => resolve()).on('error', () => undefined));
  });
  await each(forbidden, async (host) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    await new Promise<void>((resolve) => socket.bind(0, resolve));
    socket.setBroadcast(true);
    await new Promise((resolve) => socket.send('x', 4_000, host, resolve));
    socket.close();
  });
  await each(['10.0.0.1', '::1'], (host) => {
    try {
      execFileSync('ping', ['-c', '1', '-W', '1', host], { stdio: 'ignore' });
    } catch {
      // It was turned back.
    }
    return Promise.resolve();
  });
  return takePackets();
}

const redirectTo = (status: number, to: string): string => `/?status=${status}&to=${encodeURIComponent(to)}`;

function redirects(protocol: 'http' | 'webhook'): Promise<Run> {
  const connector = createConnector();
  const once = (status: number) =>
    forbiddenLocations.map((to) => ({ name: `${status} to ${to}`, path: redirectTo(status, to) }));
  const again = forbiddenLocations.map((to) => {
    const second = `http://${webAddress}${redirectTo(307, to)}`;
    return { name: `twice to ${to}`, path: redirectTo(302, second) };
  });
  const all = [...redirectStatuses.flatMap(once), ...again].filter(({ path }) => path.length < 2_000);
  const wanted = [
    'The redirect leads nowhere',
    'The redirect leads out of HTTP',
    // Some locations lead back to where they come from, for browsers read them so.
    ...['Answered HTTP 200', ...redirectStatuses.map((status) => `status_${status}`)],
  ];
  return attempts(
    all.map((it) => ({ ...it, protocol, host: webAddress, connector })),
    new Set([...refusals, ...wanted]),
  );
}

/** A resolver that has forgotten everything by the next question, asked for by many at once. */
function races(): Promise<Run> {
  let elapsedMs = 0;
  const clock = { ...systemClock, monotonic: () => (elapsedMs += 10_000) };
  const connector = createConnector({ resolver: createResolver({ clock }) });
  const cases = Array.from({ length: 1_000 }, (_, turn) => {
    const protocol = (['tcp', 'http', 'dns'] as const)[turn % 3] ?? 'tcp';
    return { name: `race ${turn}`, protocol, host: 'racing.test', connector };
  });
  // What was public at its turn was asked, and is turned back by the kernel: of UDP with an error that means nothing here.
  return attempts(cases, new Set([...refusals, 'The connection was refused', 'The check itself failed']));
}

/** As a tenant sees it: hosts are refused when they are registered, names when they are checked. */
async function mounted(): Promise<Run> {
  const health = createHealth({ store: memoryHealthStore(), secret: 'a secret of thirty-two characters' });
  await health.start();
  const { endpoints, channels } = health.scope({ tenantId: 'acme', actor: 'user:1' });
  const passed: string[] = [];
  let denied = 0;
  const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
  const names = Object.keys(forbiddenNames).filter((name) => /^(alone|last|alias)-/.test(name));
  const cases = [...forbiddenHosts, ...names];
  await each(cases, async (host) => {
    const found = await endpoints
      .register({ name: 'x', host, port: 4_000, serviceType: 'tcp', timeout: patienceMs / 1_000 })
      .then(({ id }) => endpoints.check(id).then(({ code }) => code), codeOf);
    if (found === 'egress_denied') denied++;
    if (found !== 'INVALID_INPUT' && found !== 'egress_denied' && found !== 'dns_not_found')
      passed.push(`${host}: ${String(found)}`);
    if (!names.includes(host)) return;
    const { id } = await channels.create({
      name: 'x',
      kind: 'webhook',
      config: { url: `http://${host}/` },
      secrets: { key },
    });
    const told = await channels.test(id).catch(codeOf);
    await channels.remove(id);
    if (told !== 'CHANNEL_FAILED') passed.push(`webhook to ${host}`);
  });
  await health.stop();
  return { cases: cases.length, denied, packets: takePackets(), passed };
}

/** A container is asked for by its id or name, of the host's own engine: one that is not there, here. */
async function containers(): Promise<Run> {
  const docker = new Docker({ socketPath: join(folder, 'docker.sock') });
  const health = createHealth({ store: memoryHealthStore(), docker });
  const { checks } = health.scope({ tenantId: 'acme', actor: 'user:1' });
  const passed: string[] = [];
  const cases = [...forbiddenHosts, ...forbiddenLocations];
  await each(cases, async (containerId) => {
    const ended = await checks.run({ serviceType: 'container', containerId, timeout: patienceMs / 1_000 }).then(
      ({ message }) => message,
      (error: unknown) => (error as { code?: unknown }).code,
    );
    if (ended !== 'INVALID_INPUT' && ended !== 'The connection was refused')
      passed.push(`${containerId}: ${String(ended)}`);
  });
  return { cases: cases.length, denied: 0, packets: takePackets(), passed };
}

async function reach(visits: readonly Visit[]): Promise<Packets> {
  await each(visits, async (to) => void (await visit(to)));
  return takePackets();
}

prepareNamespace();
await serve();
const cases = (hosts: readonly string[]) => (protocol: Protocol, connector: Connector) =>
  attempts(hosts.map((host) => ({ name: JSON.stringify(host), protocol, host, connector })));
const edges = (hosts: readonly string[]) => (protocol: Protocol, connector: Connector) =>
  reach(hosts.map((host) => ({ protocol, host, connector })));
/** What was public when a connector first asked is asked for again by one that remembers nothing. */
const rebinding = async (protocol: Protocol, connector: Connector): Promise<Rebinding> => {
  const hosts = Object.keys(rebindingNames(protocol));
  const first = await edges(hosts)(protocol, connector);
  return { first, then: await cases(hosts)(protocol, createConnector()) };
};
const spellings: Record<string, Packets> = {};
const report: EgressReport = {
  unguarded: await unguarded(),
  hosts: await perProtocol(cases(forbiddenHosts)),
  names: await perProtocol(cases(Object.keys(forbiddenNames))),
  rebinding: await perProtocol(rebinding),
  redirects: { http: await redirects('http'), webhook: await redirects('webhook') },
  races: await races(),
  mounted: await mounted(),
  containers: await containers(),
  edges: await perProtocol(edges(edgeAddresses)),
  edgesByName: await perProtocol(edges(Object.keys(edgeNames))),
  edgesByRedirect: await reach(
    edgeAddresses.map((address) => ({
      ...{ protocol: 'http', host: webAddress, connector: createConnector() },
      path: redirectTo(302, `http://${bracketed(address)}/`),
    })),
  ),
  spellings,
};
for (const host of Object.keys(edgeSpellings))
  spellings[host] = await reach([{ protocol: 'tcp', host, connector: createConnector() }]);
writeFileSync(join(folder, 'report.json'), JSON.stringify(report));
process.exit();
