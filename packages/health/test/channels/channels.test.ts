import nodemailer from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createHealth, defineChannel, emailChannel, memoryHealthStore, type HealthOptions } from '../../src/index.js';
import { receiver } from '../support/staged.js';

const key = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const canary = 'canary-5e1f';

const scopeWith = (options: Partial<HealthOptions> = {}) =>
  createHealth({
    ...{ store: memoryHealthStore(), monitoring: false, egress: { allow: ['loopback'] } },
    secret: 'a secret of thirty-two characters',
    ...options,
  }).scope({ tenantId: 'acme', actor: 'user:1' });
const webhook = (url: string, more: object = {}) => ({
  name: 'noc',
  kind: 'webhook',
  config: { url },
  secrets: { key },
  ...more,
});

describe('a channel', () => {
  it('is made, listed, changed and removed, its secrets never shown', async () => {
    const { channels } = scopeWith();
    const secrets = { key, authorization: `Bearer ${canary}` };
    const made = await channels.create(webhook('http://127.0.0.1:9/in', { secrets }));
    expect(made).toMatchObject({
      kind: 'webhook',
      groupWait: 10,
      enabled: true,
      secretNames: ['authorization', 'key'],
    });
    const changed = await channels.update(made.id, { name: 'on call', secrets: { authorization: null } });
    expect(changed).toMatchObject({ name: 'on call', secretNames: ['key'], config: { url: 'http://127.0.0.1:9/in' } });
    const shown = JSON.stringify([made, changed, await channels.list(), await channels.get(made.id)]);
    expect(shown).not.toContain(canary);
    expect(shown).not.toContain(key);
    await channels.remove(made.id);
    await expect(channels.get(made.id)).rejects.toMatchObject({ code: 'CHANNEL_NOT_FOUND' });
  });

  it('loses its secrets when it is pointed to another origin', async () => {
    const { channels } = scopeWith();
    const { id } = await channels.create(webhook('http://127.0.0.1:9/in'));
    await channels.update(id, { config: { url: 'http://127.0.0.1:9/elsewhere' } });
    const moved = channels.update(id, { config: { url: 'http://127.0.0.1:10/in' } });
    await expect(moved).rejects.toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'secrets.key' }] });
    expect((await channels.get(id)).config).toEqual({ url: 'http://127.0.0.1:9/elsewhere' });
  });

  it.each([
    ['an address that is denied', webhook('http://169.254.169.254/latest'), ['config.url']],
    ['a private address', webhook('http://10.0.0.1/'), ['config.url']],
    ['another scheme', webhook('ftp://127.0.0.1/'), ['config.url']],
    ['what is no URL', webhook('http:///'), ['config.url']],
    ['a URL with a name that DNS cannot hold', webhook('http://a..b/'), ['config.url']],
    ['a Slack URL that is none', { name: 'x', kind: 'slack', secrets: { url: 'hooks' } }, ['secrets.url']],
    ['credentials in the URL', webhook('http://user:secret@127.0.0.1/'), ['config.url']],
    ['no key', webhook('http://127.0.0.1/', { secrets: {} }), ['secrets.key']],
    ['a short key', webhook('http://127.0.0.1/', { secrets: { key: 'whsec_c2hvcnQ=' } }), ['secrets.key']],
    [
      'a header of ours',
      webhook('http://127.0.0.1/', { config: { url: 'http://127.0.0.1/', headers: { Host: 'x' } } }),
      ['config.headers.Host'],
    ],
    [
      'a header that breaks out',
      webhook('http://127.0.0.1/', { config: { url: 'http://127.0.0.1/', headers: { 'X-A': 'a\r\nb: c' } } }),
      ['config.headers.X-A'],
    ],
    ['an unknown secret', webhook('http://127.0.0.1/', { secrets: { key, other: 'x' } }), ['secrets']],
    ['an unknown kind', { name: 'x', kind: 'pigeon' }, ['kind']],
    [
      'a Slack URL that is denied',
      { name: 'x', kind: 'slack', secrets: { url: 'http://192.168.0.1/' } },
      ['secrets.url'],
    ],
  ])('is refused for %s', async (_, draft, paths) => {
    const made = scopeWith().channels.create(draft);
    await expect(made).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const error = (await made.catch((it: unknown) => it)) as { issues: { path: string }[] };
    expect(error.issues.map(({ path }) => path)).toEqual(paths);
  });

  it('is refused while the host has nothing to seal its secrets with', async () => {
    const { channels } = createHealth({ store: memoryHealthStore(), egress: { allow: ['loopback'] } }).scope({
      tenantId: 'acme',
      actor: 'user:1',
    });
    await expect(channels.create(webhook('http://127.0.0.1/'))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('is kept while a rule names it', async () => {
    const { channels, alerts } = scopeWith();
    const { id } = await channels.create(webhook('http://127.0.0.1:9/'));
    const { id: ruleId } = await alerts.create({ name: 'core', channelIds: [id] });
    await expect(channels.remove(id)).rejects.toMatchObject({ code: 'CHANNEL_IN_USE' });
    await alerts.remove(ruleId);
    expect((await channels.remove(id)).message).toBe('Channel noc was removed.');
    await expect(alerts.create({ name: 'core', channelIds: [id] })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('says why a test does not arrive, by a code and nothing of the other side', async () => {
    const hook = await receiver();
    const { channels } = scopeWith();
    const { id } = await channels.create(webhook(hook.url));
    expect(await channels.test(id)).toMatchObject({ delivered: true });
    for (const [status, message] of [
      [404, 'status_404'],
      [302, 'status_302'],
      [500, 'status_500'],
    ] as const) {
      hook.is.status = status;
      await expect(channels.test(id)).rejects.toMatchObject({
        code: 'CHANNEL_FAILED',
        message: `The message was not delivered: ${message}.`,
      });
    }
    const gone = await channels.create(webhook('http://127.0.0.1:1/'));
    await expect(channels.test(gone.id)).rejects.toThrow('The message was not delivered: refused.');
  });

  it('sends what it is told by the headers it is given', async () => {
    const hook = await receiver();
    const { channels } = scopeWith();
    const config = { url: `${hook.url}?room=7`, headers: { 'X-Team': 'noc' } };
    const { id } = await channels.create(
      webhook(hook.url, { config, secrets: { key, authorization: `Bearer ${canary}` } }),
    );
    await channels.test(id);
    expect(hook.received[0]?.headers).toMatchObject({
      'x-team': 'noc',
      authorization: `Bearer ${canary}`,
      'content-type': 'application/json',
      host: `127.0.0.1:${hook.port}`,
    });
  });

  it('of another tenant is none', async () => {
    const health = createHealth({
      ...{ store: memoryHealthStore(), egress: { allow: ['loopback'] } },
      secret: 'a secret of thirty-two characters',
    });
    const [own, other] = ['acme', 'rival'].map((tenantId) => health.scope({ tenantId, actor: 'user:1' }));
    const { id } = (await own?.channels.create(webhook('http://127.0.0.1:9/'))) ?? expect.unreachable();
    for (const attempt of [
      () => other?.channels.get(id),
      () => other?.channels.update(id, { name: 'mine' }),
      () => other?.channels.test(id),
      () => other?.channels.remove(id),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'CHANNEL_NOT_FOUND' });
    await expect(other?.alerts.create({ name: 'x', channelIds: [id] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

describe('Slack', () => {
  it('gets text in which nothing is a command', async () => {
    const hook = await receiver();
    const { channels } = scopeWith();
    const { id } = await channels.create({ name: '<!channel> & co', kind: 'slack', secrets: { url: hook.url } });
    await channels.test(id);
    const body = JSON.parse(hook.received[0]?.text ?? '') as { text: string };
    expect(body.text).toBe('This is a test of "&lt;!channel&gt; &amp; co": nothing is wrong');
  });
});

describe('mail', () => {
  /** A real SMTP server. */
  async function mailServer() {
    const mails: { text: string; to: string[] }[] = [];
    const server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onData(stream, session, done) {
        let text = '';
        stream.on('data', (part: Buffer) => (text += part.toString()));
        stream.on('end', () => {
          mails.push({ text, to: session.envelope.rcptTo.map(({ address }) => address) });
          done();
        });
      },
    });
    server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    return { mails, port: (server.server.address() as AddressInfo).port };
  }
  const sending = (port: number, more: object = {}) =>
    scopeWith({
      channels: [
        emailChannel({
          transport: nodemailer.createTransport({ host: '127.0.0.1', port }),
          from: 'Monitoring <noc@example.com>',
          ...more,
        }),
      ],
    });

  it('goes out by the host’s own transport, under an id that stays the same', async () => {
    const { mails, port } = await mailServer();
    const { channels } = sending(port);
    const { id } = await channels.create({
      name: 'Bereitschaft',
      kind: 'email',
      config: { to: ['oncall@example.com'] },
    });
    await channels.test(id);
    expect(mails[0]?.to).toEqual(['oncall@example.com']);
    expect(mails[0]?.text).toMatch(/^Subject: .*\r\n[^]*\r\n\r\nThis is a test of "Bereitschaft": nothing is wrong/m);
    expect(mails[0]?.text).toMatch(/^Message-ID: <[0-9a-f-]{36}@example\.com>/m);
  });

  it('goes to nobody whom the host does not allow', async () => {
    const { mails, port } = await mailServer();
    const { channels } = sending(port, { allow: (address: string) => address.endsWith('@example.com') });
    const { id } = await channels.create({
      name: 'x',
      kind: 'email',
      config: { to: ['a@evil.example', 'b@example.com'] },
    });
    await channels.test(id);
    expect(mails[0]?.to).toEqual(['b@example.com']);
    await channels.update(id, { config: { to: ['a@evil.example'] } });
    await expect(channels.test(id)).rejects.toThrow('not_allowed');
    expect(mails).toHaveLength(1);
  });

  it('that cannot be handed over says so by a code', async () => {
    const { channels } = sending(1);
    const { id } = await channels.create({ name: 'x', kind: 'email', config: { to: ['a@example.com'] } });
    await expect(channels.test(id)).rejects.toThrow(/mail_(connection|socket|connrefused)/);
  });
});

describe('a channel of the host’s own', () => {
  it('is given the message and what it is set up with, typed by its schema', async () => {
    const paged: string[] = [];
    const pager = defineChannel({
      kind: 'pager',
      summary: 'Pages',
      config: z.strictObject({ team: z.string() }),
      secrets: z.strictObject({ token: z.string() }),
      deliver({ message, config, secrets }) {
        paged.push(`${config.team} ${secrets.token} ${message.type}`);
        return Promise.resolve();
      },
    });
    const { channels } = scopeWith({ channels: [pager] });
    const { id } = await channels.create({
      name: 'p',
      kind: 'pager',
      config: { team: 'core' },
      secrets: { token: canary },
    });
    await channels.test(id);
    expect(paged).toEqual([`core ${canary} test`]);
    const kinds = channels.kinds().items;
    expect(kinds.map(({ kind }) => kind)).toEqual(['pager', 'slack', 'webhook']);
    expect(Object.keys((kinds[0]?.config.properties ?? {}) as object)).toEqual(['team']);
  });

  it('cannot take a name that there is', () => {
    const taken = {
      ...defineChannel({
        kind: 'slack',
        summary: '',
        config: z.object({}),
        secrets: z.object({}),
        deliver: () => Promise.resolve(),
      }),
    };
    expect(() => scopeWith({ channels: [taken] })).toThrow('there is one of this name already');
  });
});
