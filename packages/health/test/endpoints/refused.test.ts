import { describe, expect, it } from 'vitest';
import { gateway, paths, quiet } from '../support/quiet.js';

describe('an endpoint is refused', () => {
  it.each([
    ['a probe that there is not', { serviceType: 'pigeon' }, ['service_type']],
    ['an interval beyond the bounds', { checkInterval: 4 }, ['check_interval']],
    ['no port where there must be one', { port: null }, ['port']],
    ['a port where there is none', { serviceType: 'icmp' }, ['port']],
    ['a host that no name or address is', { host: '999.1.1.1' }, ['host']],
    ['a port in its host', { host: '127.0.0.1:80' }, ['host']],
    ['settings that its probe does not have', { config: { path: 'x', follow: 1 } }, ['config.path', 'config']],
    ['a condition that is none', { conditions: [{ on: 'status', op: 'lt', value: 'x' }] }, ['conditions.0.value']],
    ['a tag that is none', { tags: ['a b'] }, ['tags.0']],
    ['a secret that nothing names', { secrets: { token: 'x' } }, ['secrets.token']],
    ['a name without its secret', { config: { auth: { token: '${secrets.token}' } } }, ['secrets.token']],
    [
      'a secret where a message could show it',
      {
        ...{ serviceType: 'dns', config: { name: 'example.com', expect: ['${secrets.token}'] } },
        secrets: { token: 'hidden' },
      },
      ['config.expect.0'],
    ],
    [
      'a condition on what its probe does not know',
      { conditions: [{ on: 'staus', op: 'eq', value: 1 }] },
      ['conditions.0.on'],
    ],
    [
      'conditions on a body that is not read',
      {
        conditions: [
          ...['body.up', 'size'].map((on) => ({ on, op: 'exists' as const })),
          { on: 'latency', op: 'exists' },
        ],
      },
      ['conditions.0.on', 'conditions.1.on'],
    ],
    ['credentials in the open', { config: { auth: { token: 'abc' } } }, ['config.auth.token']],
    [
      'a header with credentials in the open',
      { config: { headers: { authorization: 'x' } } },
      ['config.headers.authorization'],
    ],
  ])('with %s', async (_, more, expected) => {
    const { endpoints } = quiet();
    const draft = { ...gateway, ...more } as typeof gateway;
    await expect(endpoints.register(draft)).rejects.toMatchObject(paths(...expected));
    expect((await endpoints.list()).items).toEqual([]);
  });

  it('with an interval that the host did not widen, and taken with one that it did', async () => {
    const { endpoints } = quiet({ checkIntervals: { min: 1, max: 2_592_000 } });
    await endpoints.register({ ...gateway, checkInterval: 1 });
    await endpoints.register({ ...gateway, checkInterval: 2_592_000 });
    await expect(endpoints.register({ ...gateway, checkInterval: 0.5 })).rejects.toMatchObject(paths('check_interval'));
  });
});

describe('a condition', () => {
  it.each([
    ['https', { read: true }, ['body.up', 'size', 'status', 'headers.server', 'latency']],
    ['websocket', { send: 'x', secure: true }, ['message', 'certificate.days']],
    ['tcp', { tls: {}, script: [{ expect: 'x' }] }, ['line', 'certificate.days']],
  ])('is taken on what %s finds out', async (serviceType, config, names) => {
    const { endpoints } = quiet();
    const conditions = names.map((on) => ({ on, op: 'exists' as const }));
    const draft = { ...gateway, serviceType, config, conditions };
    expect((await endpoints.register(draft)).conditions).toHaveLength(names.length);
    if (serviceType !== 'https') {
      const bare = endpoints.register({ ...draft, config: {} });
      await expect(bare).rejects.toMatchObject(paths('conditions.0.on', 'conditions.1.on'));
    }
  });
});

describe('an endpoint without a port', () => {
  it('is taken by its address, unless that is denied', async () => {
    const { endpoints } = quiet();
    const ping = { name: 'gateway', serviceType: 'icmp' };
    expect(await endpoints.register({ ...ping, host: '1.1.1.1' })).toMatchObject({ host: '1.1.1.1', port: null });
    await expect(endpoints.register({ ...ping, host: '127.0.0.1' })).rejects.toMatchObject(paths('host'));
  });
});
