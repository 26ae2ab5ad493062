import { createServer as createTlsServer } from 'node:tls';
import type { Database } from '@dotmac/core/kysely';
import type { Redis } from 'ioredis';
import nodemailer from 'nodemailer';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { makeCertificates } from '../../core/test/net/certificates.js';
import { radiusProbe, snmpProbe } from '../../probes-isp/src/index.js';
import { databaseTarget, defineChannel, defineProbe, emailChannel, redisTarget } from '../src/index.js';
import { decoded, expectNoTraces, parrot, watched } from './support/canary.js';
import { databases } from './support/databases.js';
import { datagramParrot, mailParrot, mysqlParrot, postgresParrot, redisParrot } from './support/parrots.js';
import { serving } from './support/probing.js';
import { tracesOf } from './support/traces.js';

const certificates = makeCertificates();
/** Each in a place of its own. */
const secrets = {
  'password of PostgreSQL': 'canary-postgres+4c1/x=~',
  'password of MySQL': 'canary-mysql+88e/x=~',
  'password of Redis': 'canary-redis+19d/x=~',
  'password in a connection string': 'canary-adhoc+33f~',
  community: 'canary-community+6a2~',
  'key of authentication': 'canary-auth-key+70b~',
  'key of privacy': 'canary-privacy-key+5e8~',
  'secret of RADIUS': 'canary-radius-secret+2d4~',
  'password of RADIUS': 'canary-radius-password+9b6~',
  // A line of its text.
  'key of a certificate': certificates.other.key.split('\n')[1] ?? '',
  'broken key': 'canary-broken-key+0a7~ which is no key at all',
  'bearer token': 'canary-bearer+e15~',
  'password of mail': 'canary-mail+c90~',
  'text of a driver': 'canary-driver-text+f42~',
  'text of a channel': 'canary-channel-text+b38~',
};
const text = secrets['text of a driver'];

/** What drivers throw: text and properties that quote what they were given. */
const quoting: Record<string, () => unknown> = {
  error: () => Object.assign(new Error(`no login with ${text}`), { connection: { password: text } }),
  url: () => new TypeError(`Failed to parse URL from http://u:${text}@[`, { cause: new Error(text) }),
  text: () => text,
  code: () => Object.assign(new Error('no'), { code: text }),
};
const quotingProbe = defineProbe({
  ...{ serviceType: 'quoting', summary: 'Throws', addressing: 'none' as const },
  config: z.strictObject({ how: z.string(), sync: z.boolean().default(false) }),
  run({ config: { how, sync } }) {
    const thrown = quoting[how]?.() as Error;
    if (sync) throw thrown;
    return Promise.reject(thrown);
  },
});
const quotingChannel = defineChannel({
  ...{ kind: 'quoting', summary: 'Throws', config: z.strictObject({}) },
  secrets: z.strictObject({ token: z.string() }),
  deliver: ({ secrets: { token } }) =>
    Promise.reject(Object.assign(new Error(`https://chat.example/${token} failed`), { token })),
});

const title =
  'credentials of every probe and channel are in no log line, answer, metric, event or row, though drivers quote them';
it.each(databases.filter(([, isAvailable]) => isAvailable))(
  `on %s, ${title}`,
  async (_, __, fresh) => {
    const [web, pg, my, cache, mail, agent, aaa] = await Promise.all([
      parrot(),
      postgresParrot(),
      mysqlParrot(),
      redisParrot(),
      mailParrot(),
      datagramParrot(),
      datagramParrot(),
    ]);
    const mutual = await serving(
      createTlsServer({ ...certificates.good, ca: certificates.ca, requestCert: true, rejectUnauthorized: true }),
    );
    const broken = { query: () => Promise.reject(quoting['error']?.() as Error) };
    const database = { dialect: 'postgres', kysely: { connection: () => ({ execute: broken.query }) } };
    const { ask, answers, events, api, placesAfterStop, until, scope, clock } = await watched(fresh, {
      probes: [snmpProbe(), radiusProbe(), quotingProbe],
      adHocTargets: { egress: { allow: ['loopback'] } },
      targets: {
        main: databaseTarget(database as unknown as Database),
        cache: redisTarget({ status: 'ready', ping: broken.query } as unknown as Redis),
      },
      channels: [
        quotingChannel,
        emailChannel({
          from: 'noc@example.com',
          transport: nodemailer.createTransport({
            ...{ host: '127.0.0.1', port: mail.port, ignoreTLS: true },
            auth: { user: 'noc', pass: secrets['password of mail'] },
          }),
        }),
      ],
    });
    const base = '/network-monitoring';
    const here = { host: '127.0.0.1', check_interval: 3_600, timeout: 1, retry_count: 1 };
    const password = '${secrets.password}';
    const tls = { ca: certificates.ca, cert: certificates.other.cert, key: '${secrets.key}' };
    const login = { auth: { username: 'monitor', password } };
    const endpoints: Record<string, object> = {
      postgres: {
        ...{ port: pg.port, service_type: 'postgres', config: login },
        secrets: { password: secrets['password of PostgreSQL'] },
      },
      mysql: {
        ...{ port: my.port, service_type: 'mysql', config: login },
        secrets: { password: secrets['password of MySQL'] },
      },
      redis: {
        ...{ port: cache.port, service_type: 'redis_server', config: login },
        secrets: { password: secrets['password of Redis'] },
      },
      'snmp 2c': {
        ...{ port: agent.port, service_type: 'snmp', config: { community: '${secrets.community}' } },
        secrets: { community: secrets.community },
      },
      'snmp 3': {
        ...{ port: agent.port, service_type: 'snmp' },
        config: {
          version: '3',
          auth: { username: 'monitor', key: '${secrets.auth}' },
          privacy: { key: '${secrets.privacy}' },
        },
        secrets: { auth: secrets['key of authentication'], privacy: secrets['key of privacy'] },
      },
      radius: {
        ...{ port: aaa.port, service_type: 'radius', config: { ...login, secret: '${secrets.shared}' } },
        secrets: { shared: secrets['secret of RADIUS'], password: secrets['password of RADIUS'] },
      },
      mutual: { port: mutual.port, service_type: 'https', config: { tls }, secrets: { key: certificates.other.key } },
      'mutual, broken': {
        ...{ port: mutual.port, service_type: 'tls', config: tls },
        secrets: { key: secrets['broken key'] },
      },
      bearer: {
        ...{ port: web.port, service_type: 'http', config: { path: '/echo', auth: { token: '${secrets.token}' } } },
        secrets: { token: secrets['bearer token'] },
      },
      ...Object.fromEntries(
        Object.keys(quoting).flatMap((how) =>
          [true, false].map((sync) => [
            `quoting ${how} ${sync}`,
            { host: null, service_type: 'quoting', config: { how, sync } },
          ]),
        ),
      ),
      database: { host: null, service_type: 'database', config: { target: 'main' } },
      cache: { host: null, service_type: 'redis', config: { target: 'cache' } },
    };
    const ids: Record<string, string> = {};
    for (const [name, more] of Object.entries(endpoints)) {
      const { status, body } = await ask('POST', `${base}/endpoints`, { ...here, name, ...more });
      expect(status, `${name}: ${answers.at(-1)}`).toBe(201);
      ids[name] = body.id;
    }
    const channels = [
      await ask('POST', `${base}/channels`, {
        name: 'mail',
        kind: 'email',
        config: { to: ['a@example.com'] },
        group_wait: 0,
      }),
      await ask('POST', `${base}/channels`, {
        ...{ name: 'own', kind: 'quoting', group_wait: 0 },
        secrets: { token: secrets['text of a channel'] },
      }),
      await ask('POST', `${base}/channels`, {
        ...{ name: 'hook', kind: 'webhook', config: { url: `http://127.0.0.1:${web.port}/hook` }, group_wait: 0 },
        secrets: { key: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
      }),
    ];
    expect(channels.map(({ status }) => status)).toEqual([201, 201, 201]);
    const [first = '', ...others] = channels.map(({ body }) => body.id);
    await ask('POST', `${base}/alert-rules`, {
      ...{ name: 'all', channel_ids: [first, ...others], severities: ['critical', 'offline'] },
    });

    // Every one of them fails, and is told of.
    await until(async () => {
      const { items } = await scope.endpoints.list({ limit: 100 });
      return items.every(({ lastCheck, lastStatus }) => lastCheck !== null && lastStatus !== 'healthy');
      // A check has a second of the clock, in which real servers are to answer.
    }, 50);
    await until(async () => (await scope.alerts.undelivered()).items.length > 0, 1_000);
    for (const id of [first, ...others]) expect((await ask('POST', `${base}/channels/${id}/test`)).status).toBe(503);
    for (const connection_string of [
      `postgres://u:${encodeURIComponent(secrets['password in a connection string'])}@127.0.0.1:${pg.port}/x`,
      `postgres://u:${encodeURIComponent(secrets['password in a connection string'])}@127.0.0.1:${pg.port}/x?nonsense=1`,
    ]) {
      let isDone = false;
      void ask('POST', `${base}/health-check`, { service_type: 'database', connection_string }).then(
        () => (isDone = true),
      );
      await until(() => isDone, 10);
    }
    const codes: Record<string, string | undefined> = {};
    for (const [name, id] of Object.entries(ids)) {
      const { items } = await scope.history.results(id, { limit: 100 });
      codes[name] = items.find(({ status }) => status !== 'healthy')?.code;
      for (const kind of ['results', 'explanation', 'trends'])
        await ask('GET', `${base}/endpoints/${id}/${kind}`).catch(() => 0);
    }
    expect(codes).toMatchObject({
      ...{
        postgres: 'service_refused',
        mysql: 'answer_malformed',
        redis: 'service_refused',
        bearer: 'status_unexpected',
      },
      ...{ 'snmp 2c': 'timeout', radius: 'timeout', database: 'service_refused', cache: 'no_answer' },
      ...{ 'quoting error true': 'check_failed', 'quoting code false': 'check_failed' },
    });
    for (const { method, path } of api.routes) {
      const id = /channels/.test(path) ? first : /incidents/.test(path) ? '' : Object.values(ids)[0];
      if (method === 'GET' && !/incidents\/\{id\}/.test(path)) await ask(method, path.replace('{id}', id ?? ''));
    }
    for (const { id } of (await scope.incidents.list({ limit: 100 })).items)
      await ask('GET', `${base}/incidents/${id}`);
    await clock.advance(60_000);
    expect([answers.length > 100, events.length > 20]).toEqual([true, true]);

    // Servers heard what is sent as it is, and no more: MySQL's password goes to nobody in clear text.
    const servers = [pg, cache, mail, agent, aaa].map((it) => it.heard()).join('\n') + decoded(web.heard);
    const plain = ['password of PostgreSQL', 'password of Redis', 'password in a connection string', 'community'];
    expect(tracesOf(secrets, { servers }).toSorted()).toEqual(
      [...plain, 'bearer token', 'password of mail'].map((name) => `${name} in servers`).toSorted(),
    );
    expect(tracesOf(secrets, { 'a MySQL that asks for it': my.heard() })).toEqual([]);

    expectNoTraces(secrets, await placesAfterStop());
  },
  300_000,
);
