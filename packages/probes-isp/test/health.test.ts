import { createHealth, memoryHealthStore } from '@dotmac/health';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { radiusProbe, snmpProbe } from '../src/index.js';
import { answer, octets, sysName } from './support/snmp-agent.js';
import { answerTo } from './support/radius-answer.js';
import { udpServer } from './support/udp-server.js';

const host = '127.0.0.1';

async function endpointsOf() {
  const health = createHealth({
    store: memoryHealthStore(),
    secret: 'a secret of at least thirty-two characters',
    egress: { allow: ['loopback'] },
    probes: [snmpProbe(), radiusProbe()],
  });
  await health.start();
  onTestFinished(() => health.stop());
  return health.scope({ tenantId: 'acme', actor: 'user:1' }).endpoints;
}

it('endpoints are checked with their secrets, which are not shown', async () => {
  const endpoints = await endpointsOf();
  const agent = await udpServer((question) => answer(question, {}, { community: 'right' }));
  const server = await udpServer((request) => answerTo(request));
  const drafts: {
    serviceType: string;
    port: number;
    config: Record<string, unknown>;
    secrets: Record<string, string>;
  }[] = [
    {
      serviceType: 'snmp',
      port: agent.port,
      config: { community: '${secrets.key}', oids: [{ oid: sysName }] },
      secrets: { key: 'right' },
    },
    {
      serviceType: 'radius',
      port: server.port,
      config: { secret: '${secrets.shared}', auth: { username: 'nemo', password: '${secrets.password}' } },
      secrets: { shared: 'xyzzy5461', password: 'arctangent' },
    },
  ];
  for (const draft of drafts) {
    const { id } = await endpoints.register({ name: draft.serviceType, host, ...draft });
    expect(await endpoints.check(id)).toMatchObject({ status: 'healthy' });
    const shown = JSON.stringify(await endpoints.get(id));
    for (const secret of Object.values(draft.secrets)) expect(shown).not.toContain(secret);
  }
  expect(agent.heard[0]?.includes(octets('right'))).toBe(true);
});

it.each([
  ['snmp', 'community', { community: 'plain' }],
  ['snmp', 'auth.key', { version: '3', auth: { username: 'u', key: 'plain text' } }],
  [
    'snmp',
    'privacy.key',
    { version: '3', auth: { username: 'u', key: '${secrets.a}' }, privacy: { key: 'plain text' } },
  ],
  ['radius', 'secret', { method: 'status', secret: 'plain' }],
  ['radius', 'auth.password', { secret: '${secrets.a}', auth: { username: 'u', password: 'plain' } }],
])('%s takes no plain %s', async (serviceType, path, config) => {
  const endpoints = await endpointsOf();
  const secrets: Record<string, string> = JSON.stringify(config).includes('secrets.a') ? { a: 'a secret' } : {};
  const draft = { name: 'plain', host, port: 161, serviceType, config, secrets };
  const refused: unknown = await endpoints.register(draft).catch((error: unknown) => error);
  expect(JSON.stringify(refused)).toContain(`config.${path}`);
});

it('their configurations can be shown as JSON Schemas', () => {
  for (const { config } of [snmpProbe(), radiusProbe()])
    expect(z.toJSONSchema(config, { io: 'input' })).toMatchObject({ type: 'object', additionalProperties: false });
});
