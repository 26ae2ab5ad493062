import { describe, expect, it } from 'vitest';
import { readSettings } from '../src/settings.js';

describe('the environment', () => {
  it('is complete when it is empty, and empty variables are not set', () => {
    for (const env of [{}, { PORT: '', DATABASE_URL: '', REDIS_URL: '', DOTMAC_API_KEYS: '' }]) {
      const settings = readSettings(env);
      expect(settings).toMatchObject({
        port: 3_000,
        host: '127.0.0.1',
        framework: 'express',
        requestsPerMinute: 6_000,
      });
      expect(settings.databaseUrl).toMatch(/\/data\/operations\.db$/);
      expect(settings.demoKey).toMatch(/^demo_.{20,}$/);
      expect(settings.apiKeys).toMatchObject([{ tenantId: 'demo', permissions: ['*'] }]);
    }
    expect(readSettings({}).demoKey).not.toBe(readSettings({}).demoKey);
  });

  it('names tenants and permissions with its keys', () => {
    const { apiKeys, demoKey } = readSettings({
      DOTMAC_API_KEYS: 'k1:acme, k2:globex:health:read+lifecycle:write,k3:acme:*',
    });
    expect(demoKey).toBeUndefined();
    expect(apiKeys.map(({ key, tenantId, permissions }) => [key, tenantId, permissions])).toEqual([
      ['k1', 'acme', ['*']],
      ['k2', 'globex', ['health:read', 'lifecycle:write']],
      ['k3', 'acme', ['*']],
    ]);
  });

  it('is refused by the names of its variables, never by their values', () => {
    const wrong = {
      PORT: '70000',
      FRAMEWORK: 'koa',
      RATE_LIMIT: '0',
      DOTMAC_API_KEYS: 'hunter2',
      REDIS_URL: 'hunter2',
    };
    let message = '';
    try {
      readSettings(wrong);
    } catch (error) {
      ({ message } = error as Error);
    }
    for (const name of Object.keys(wrong)) expect(message).toContain(name);
    expect(message).not.toContain('hunter2');
  });
});
