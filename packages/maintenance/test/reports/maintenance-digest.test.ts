import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  createMaintenance,
  digestByEmail,
  digestByWebhook,
  memoryMaintenanceStore,
  type DigestChannel,
  type DigestMessage,
} from '../../src/index.js';

const key = `whsec_${Buffer.from('k'.repeat(32)).toString('base64')}`;
const scopeOf = (digests: DigestChannel[], tenantId = 'acme', store = memoryMaintenanceStore()) =>
  createMaintenance({ store, digests, egress: { allow: ['loopback'] } }).scope({ tenantId });

async function withServer(
  status: number,
  work: (url: string, got: { headers: IncomingHttpHeaders; body: string }[]) => Promise<void>,
): Promise<void> {
  const got: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      got.push({ headers: request.headers, body });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/digests`, got);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('a digest', () => {
  it('goes to the host’s function, to mail, and signed to a webhook', async () => {
    await withServer(204, async (url, got) => {
      const told: DigestMessage[] = [];
      const mails: Record<string, unknown>[] = [];
      const scope = scopeOf([
        { name: 'own', send: (message) => Promise.resolve(void told.push(message)) },
        digestByEmail({
          transport: { sendMail: (mail) => Promise.resolve(mails.push(mail)) },
          from: 'Ops <ops@example.com>',
          to: ['team@example.com'],
        }),
        digestByWebhook({ url, key }),
      ]);
      await scope.runs.run('system_monitoring', {});
      const run = await scope.runs.run('maintenance_digest', { days: 1 });
      const subject = 'Maintenance: 1 run, none failed';
      expect(run).toMatchObject({ status: 'completed', details: { subject, sent_to: ['own', 'email', 'webhook'] } });
      expect(told).toMatchObject([{ id: run.taskId, tenantId: 'acme', subject, digest: { runs: 1 } }]);
      expect(told[0]?.text).toContain(subject);
      expect(told[0]?.html).toContain(`<h1>${subject}</h1>`);
      expect(mails).toMatchObject([
        {
          to: ['team@example.com'],
          subject,
          messageId: `<${run.taskId}@example.com>`,
          text: told[0]?.text,
          html: told[0]?.html,
        },
      ]);
      const [{ headers, body } = { headers: {}, body: '' }] = got;
      const signed = `${headers['webhook-id'] as string}.${headers['webhook-timestamp'] as string}.${body}`;
      const signature = createHmac('sha256', 'k'.repeat(32)).update(signed).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${signature}`);
      expect(JSON.parse(body)).toMatchObject({
        id: run.taskId,
        type: 'maintenance.digest',
        tenant_id: 'acme',
        subject,
        text: told[0]?.text,
        html: told[0]?.html,
        data: { runs: 1, tasks: [{ task: 'system_monitoring' }] },
      });
    });
  });

  it('that one channel does not take goes to the others, and to that one alone when the run is resumed', async () => {
    let broken = true;
    const told: string[] = [];
    const ids: string[] = [];
    const failing: DigestChannel = {
      name: 'failing',
      send: ({ id }) => {
        ids.push(id);
        if (broken) throw new Error('postgres://u:secret@x');
        return Promise.resolve(void told.push('failing'));
      },
    };
    const scope = scopeOf([failing, { name: 'own', send: () => Promise.resolve(void told.push('own')) }]);
    const run = await scope.runs.run('maintenance_digest', {});
    expect(run).toMatchObject({ status: 'failed', errorMessage: expect.stringContaining('failing'), resumable: true });
    expect(JSON.stringify(run)).not.toContain('secret');
    broken = false;
    const { taskId } = await scope.runs.resume(run.taskId);
    await expect.poll(async () => (await scope.runs.get(taskId)).status).toBe('completed');
    expect(told).toEqual(['own', 'failing']);
    expect(ids).toEqual([run.taskId, run.taskId]);
  });

  it('is not sent to a webhook that refuses it, nor to one where nothing may be sent', async () => {
    await withServer(500, async (url, got) => {
      const scope = scopeOf([digestByWebhook({ url, key })]);
      expect(await scope.runs.run('maintenance_digest', {})).toMatchObject({ status: 'failed' });
      expect(got).toHaveLength(1);
      const store = memoryMaintenanceStore();
      const guarded = createMaintenance({ store, digests: [digestByWebhook({ url, key })] }).scope({
        tenantId: 'acme',
      });
      expect(await guarded.runs.run('maintenance_digest', {})).toMatchObject({ status: 'failed' });
      expect(got).toHaveLength(1);
    });
  });

  it('is one tenant’s, and sent by that one’s channels', async () => {
    const told: DigestMessage[] = [];
    const channel: DigestChannel = {
      name: 'own',
      tenants: ['acme'],
      send: (it) => Promise.resolve(void told.push(it)),
    };
    const store = memoryMaintenanceStore();
    await scopeOf([channel], 'other', store).runs.run('system_monitoring', {});
    const other = scopeOf([channel], 'other', store);
    expect((await other.runs.run('maintenance_digest', {})).details).toMatchObject({ sent_to: [] });
    await scopeOf([channel], 'acme', store).runs.run('maintenance_digest', {});
    expect(told).toMatchObject([{ tenantId: 'acme', digest: { runs: 0 } }]);
  });

  it.each<[string, () => unknown]>([
    [
      'no sender',
      () => digestByEmail({ transport: { sendMail: () => Promise.resolve() }, from: 'nobody', to: ['a@b.c'] }),
    ],
    ['no recipient', () => digestByEmail({ transport: { sendMail: () => Promise.resolve() }, from: 'a@b.c', to: [] })],
    ['a URL that is none', () => digestByWebhook({ url: 'ftp://x', key })],
    ['a short key', () => digestByWebhook({ url: 'https://example.com', key: 'whsec_aaaa' })],
    [
      'two channels of one name',
      () =>
        scopeOf([
          { name: 'a', send: () => Promise.resolve() },
          { name: 'a', send: () => Promise.resolve() },
        ]),
    ],
  ])('is refused with %s', (_, make) => {
    expect(make).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
