import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probed, type Probing } from '../../../health/test/support/probing.js';
import { available } from '../../../../test/support/services.js';
import { snmpProbe } from '../../src/index.js';
import type { Daemon } from '../support/daemon.js';
import { passwords, snmpd, users } from '../support/snmpd.js';

const probe = snmpProbe();
const is = (on: string, op: string, value?: unknown) => ({ on, op, value, severity: 'critical' }) as never;
const system = '1.3.6.1.2.1.1';
const name = { oid: `${system}.5.0`, name: 'name' };

describe.skipIf(!available.snmpd)("Net-SNMP's agent (needs snmpd: npm run services)", () => {
  let agent: Daemon;
  beforeAll(async () => void (agent = await snmpd()));
  afterAll(() => agent.stop());
  const snmp = ({ config, ...probing }: Probing = {}) => probed(probe, { port: agent.port, ...probing, config });
  const v2c = (oids: unknown[], probing: Probing = {}) =>
    snmp({ ...probing, config: { community: 'right', oids, ...probing.config } });

  describe('by v2c', () => {
    it('is healthy, and asked for its uptime by default', async () => {
      const conditions = [is('values.uptime', 'gte', 0), is('values.uptime', 'lt', 6_000)];
      const { phases, ...result } = await snmp({ config: { community: 'right' }, conditions });
      expect(result).toMatchObject({ status: 'healthy', message: 'Answered 1 object' });
      expect(phases).toEqual({ dnsMs: 0, firstByteMs: result.responseTimeMs });
    });

    it('gives values of all types, by their names', async () => {
      const oids = [
        name,
        { oid: `.${system}.6.0`, name: 'location' },
        { oid: `${system}.2.0`, name: 'kind' },
        { oid: '1.3.6.1.2.1.2.1.0', name: 'interfaces' },
        { oid: '1.3.6.1.2.1.31.1.1.1.6.1', name: 'octets' },
        { oid: '1.3.6.1.2.1.2.2.1.5.1', name: 'speed' },
        { oid: '1.3.6.1.2.1.4.20.1.1.127.0.0.1', name: 'address' },
        { oid: '1.3.6.1.4.1.2021.10.1.6.1', name: 'load' },
        { oid: '1.3.6.1.2.1.25.1.2.0', name: 'date' },
        { oid: '1.3.6.1.2.1.1.3.0' },
      ];
      const conditions = [
        is('values.name', 'eq', 'core-router'),
        is('values.location', 'eq', 'Zürich'),
        is('values.kind', 'eq', '1.3.6.1.4.1.8072.3.2.10'),
        is('values.interfaces', 'gte', 1),
        is('values.octets', 'gt', 0),
        is('values.speed', 'gte', 0),
        is('values.address', 'eq', '127.0.0.1'),
        is('values.load', 'gte', 0),
        is('values.date', 'like', '07:*:*:*:*'),
        is('values["1.3.6.1.2.1.1.3.0"]', 'gt', 0),
      ];
      expect(await v2c(oids, { conditions })).toMatchObject({ status: 'healthy', message: 'Answered 10 objects' });
      expect(await v2c(oids, { conditions: [is('values.name', 'eq', 'x')] })).toMatchObject({ status: 'critical' });
    });

    it.each([
      ['no such object', '1.3.6.1.4.1.99999.1.0'],
      ['no such instance', '1.3.6.1.2.1.1.5.7'],
    ])('has %s', async (_, oid) => {
      const missing = { oid, name: 'missing' };
      const result = await v2c([name, missing]);
      expect(result).toMatchObject({ status: 'critical', message: 'The agent has no "missing"' });
      expect(result.responseTimeMs).toBeGreaterThan(0);
      const conditions = [is('values.missing', 'missing'), is('values.name', 'exists')];
      expect(await v2c([name, { ...missing, optional: true }], { conditions })).toMatchObject({ status: 'healthy' });
    });

    it.each([
      [{ min: 1 }, 'healthy', 'Answered 1 object'],
      [{ max: 0 }, 'outside', '"count" is above 0'],
      [{ min: 1_000 }, 'outside', '"count" is below 1000'],
    ])('is held against bounds: %j', async (bounds, status, message) => {
      const count = { oid: '1.3.6.1.2.1.2.1.0', name: 'count' };
      const of = (severity: string) => (status === 'outside' ? severity : status);
      expect(await v2c([{ ...count, warning: bounds }])).toMatchObject({ status: of('degraded'), message });
      expect(await v2c([{ ...count, critical: bounds }])).toMatchObject({ status: of('critical'), message });
      const both = { ...count, warning: { max: 0 }, critical: bounds };
      expect((await v2c([both])).status).toBe(status === 'outside' ? 'critical' : 'degraded');
    });

    it('cannot hold text against bounds', async () => {
      const message = '"name" is no number';
      expect(await v2c([{ ...name, critical: { max: 1 } }])).toMatchObject({ status: 'critical', message });
    });

    it('says nothing to a wrong community: it cannot be told from one that is not there', async () => {
      const silent = { status: 'offline', code: 'timeout', responseTimeMs: null, message: 'No answer in time' };
      expect(await snmp({ config: { community: 'wrong' }, timeoutMs: 300 })).toEqual(silent);
      expect(await snmp({ timeoutMs: 300 })).toEqual(silent);
    });
  });

  describe('by v3', () => {
    const v3 = (config: Record<string, unknown>, probing: Probing = {}) =>
      snmp({
        conditions: [is('values.name', 'eq', 'core-router')],
        ...probing,
        config: { version: '3', oids: [name], ...config },
      });
    const signing = { username: 'sha256-aes', protocol: 'sha256', key: passwords.auth };
    const encrypting = { protocol: 'aes', key: passwords.privacy };

    it('answers a user without keys', async () => {
      expect(await v3({ auth: { username: 'nobody' } })).toMatchObject({ status: 'healthy' });
    });

    it.each([...new Set(users.map(({ auth }) => auth))])('answers one who signs with %s', async (protocol) => {
      const auth = { username: `${protocol}-aes`, protocol, key: passwords.auth };
      expect(await v3({ auth })).toMatchObject({ status: 'healthy' });
    });

    it.each(users)(
      'answers one who signs with $auth and encrypts with $privacy',
      async ({ username, auth, privacy }) => {
        const config = {
          auth: { username, protocol: auth, key: passwords.auth },
          privacy: { protocol: privacy, key: passwords.privacy },
        };
        expect(await v3(config)).toMatchObject({ status: 'healthy' });
      },
    );

    it.each([
      ['an unknown user', { auth: { ...signing, username: 'stranger' } }, 'The agent does not know the user'],
      [
        'another key of authentication',
        { auth: { ...signing, key: 'wrong-auth-key' } },
        'The agent refused the digest: its key or protocol of authentication is another',
      ],
      [
        'another protocol of authentication',
        { auth: { ...signing, protocol: 'sha' } },
        'The agent refused the digest: its key or protocol of authentication is another',
      ],
      [
        'a level that the user has not',
        { auth: { ...signing, username: 'nobody' } },
        'The agent does not take this security level for the user',
      ],
      ['no key, where one is needed', { auth: { username: 'sha256-aes' } }, 'The agent answered authorizationError'],
    ])('refuses %s', async (_, config, message) => {
      const result = await v3(config);
      expect(result).toMatchObject({ status: 'critical', message });
      expect(result.responseTimeMs).toBeGreaterThan(0);
    });

    it.each([{ key: 'wrong-privacy-key' }, { protocol: 'des' }])(
      'does not answer with another privacy: %j',
      async (more) => {
        const result = await v3({ auth: signing, privacy: { ...encrypting, ...more } }, { timeoutMs: 400 });
        const silent = 'The agent says who it is, and nothing to the question';
        const message = `${silent}: its key or protocol of privacy may be another`;
        expect(result).toMatchObject({ status: 'critical', responseTimeMs: null, message });
      },
    );

    it('is silent in a context that it has not', async () => {
      const result = await v3({ auth: signing, context: 'elsewhere' }, { timeoutMs: 400 });
      const message = 'The agent says who it is, and nothing to the question: its context may be another';
      expect(result).toMatchObject({ status: 'critical', message });
    });

    it('has no such object', async () => {
      const oids = [{ oid: '1.3.6.1.4.1.99999.1.0', name: 'missing' }];
      const message = 'The agent has no "missing"';
      expect(await v3({ auth: signing, privacy: encrypting, oids })).toMatchObject({ status: 'critical', message });
    });
  });
});
