// A process of its own that monitors, and makes trouble for itself as it is told, line by line: each line is
// {"do": …} as in `Trouble`, and is answered by a line. Arguments: the endpoints as JSON, and "namespace" when it has
// network and mount namespaces of its own, where it then serves names and addresses too.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { dnsStub, type DnsStub, type StubAnswer } from '../../../core/test/net/dns-stub.js';
import { createHealth, memoryHealthStore, type EndpointDraft } from '../../src/index.js';

/** What it can be told to do. */
export type Trouble =
  | { do: 'block'; ms: number }
  | { do: 'exhaust' | 'release' | 'report' }
  | { do: 'names'; mood: 'answer' | 'silent' | 'closed' | 'SERVFAIL' | 'REFUSED' };

/** What it says to `report`: of each endpoint what its checks found, the oldest first, and every change that was told. */
export interface Report {
  endpoints: {
    name: string;
    status: string;
    results: { at: number; status: string; message: string }[];
  }[];
  /** `name: from > to`. */
  changes: string[];
  incidents: number;
  /** `kind name` for each message that a channel for all was told by, each once; in their order. */
  told: string[];
}

const [drafts = '[]', place] = process.argv.slice(2);
const open: number[] = [];
let names: DnsStub | undefined;

/** Names end in .test and lead to 127.1.0.1; addresses in 127.2.0.0/16 swallow everything. */
async function serve(answer: StubAnswer = {}): Promise<void> {
  const address = { a: ['127.1.0.1'], ttl: 1, ...answer };
  const table = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`name-${index}.test`, address]));
  names = await dnsStub(table, { port: 53 });
}

async function prepareNamespace(): Promise<void> {
  const system = (program: string, ...words: string[]): void => void execFileSync(program, words);
  system('ip', 'link', 'set', 'lo', 'up');
  system('iptables', '-A', 'OUTPUT', '-d', '127.2.0.0/16', '-j', 'DROP');
  const file = join(mkdtempSync(join(tmpdir(), 'dotmac-resolver-')), 'resolv.conf');
  writeFileSync(file, 'nameserver 127.0.0.1\n');
  system('mount', '--bind', file, '/etc/resolv.conf');
  await serve();
  const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(4_000, '0.0.0.0');
  await once(server, 'listening');
}

/** What a webhook of this process's own was told, by idempotency keys. */
const messages = new Map<string, { items: { kind: string; endpoint_name: string }[] }>();
async function listen(): Promise<string> {
  const server = createHttpServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      messages.set(String(request.headers['webhook-id']), JSON.parse(text) as { items: [] });
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

if (place === 'namespace') await prepareNamespace();
const health = createHealth({
  store: memoryHealthStore(),
  egress: { allow: ['loopback'] },
  checkIntervals: { min: 1 },
  keptResults: { recent: 1_000, issues: 1_000 },
  secret: 'a secret of thirty-two characters',
});
const changes: string[] = [];
health.events.on('endpoint.status_changed', ({ data }) => void changes.push(`${data.name}: ${data.from} > ${data.to}`));
await health.start();
const { endpoints, history, incidents, channels, alerts } = health.scope({ tenantId: 'acme', actor: 'user:1' });
const { id: channelId } = await channels.create({
  ...{ name: 'noc', kind: 'webhook', config: { url: await listen() }, groupWait: 1 },
  secrets: { key: `whsec_${Buffer.alloc(24, 1).toString('base64')}` },
});
await alerts.create({ name: 'all', channelIds: [channelId] });
for (const draft of JSON.parse(drafts) as EndpointDraft[]) await endpoints.register(draft);

async function report(): Promise<Report> {
  const { items } = await endpoints.list({ limit: 200 });
  const found = await Promise.all(
    items.map(async ({ id, name, lastStatus }) => {
      const results = (await history.results(id, { limit: 1_000 })).items.map(({ checkedAt: at, status, message }) => ({
        at,
        status,
        message,
      }));
      return { name, status: lastStatus, results: results.toSorted((one, other) => one.at - other.at) };
    }),
  );
  const told = [...messages.values()].flatMap((it) =>
    it.items.map(({ kind, endpoint_name: name }) => `${kind} ${name}`),
  );
  return { endpoints: found, changes, incidents: (await incidents.list()).items.length, told };
}

/** Takes every descriptor that is left. */
function exhaust(): void {
  try {
    for (;;) open.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
  }
}

async function obey(trouble: Trouble): Promise<unknown> {
  if (trouble.do === 'report') return report();
  if (trouble.do === 'exhaust') exhaust();
  if (trouble.do === 'release') for (const descriptor of open.splice(0)) closeSync(descriptor);
  if (trouble.do === 'block') {
    const until = performance.now() + trouble.ms;
    while (performance.now() < until);
  }
  if (trouble.do === 'names') {
    const { mood } = trouble;
    names?.close();
    names = undefined;
    if (mood === 'answer') await serve();
    else if (mood === 'silent') await serve({ silent: true });
    else if (mood !== 'closed') await serve({ rcode: mood });
  }
  return {};
}

console.log(JSON.stringify({}));
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await obey(JSON.parse(line) as Trouble)));
