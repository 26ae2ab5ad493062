import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startQuickstart } from '../../src/quickstart.js';
import { readSettings } from '../../src/settings.js';
import { assertProblem, createClient } from './client.js';

describe.each(['express', 'fastify'])('a key past its RATE_LIMIT on %s', (FRAMEWORK) => {
  it('is told so, and when to come back; other keys are not', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'dotmac-limit-'));
    const quickstart = await startQuickstart(
      readSettings({
        PORT: '0',
        FRAMEWORK,
        DATA_DIR: dataDirectory,
        RATE_LIMIT: '3',
        DOTMAC_API_KEYS: 'one:acme,two:acme',
        LOG_LEVEL: 'silent',
      }),
    );
    const ask = (key: string) => createClient(quickstart.url, key).get('/network-monitoring/health');
    const admitted = [await ask('one'), await ask('one'), await ask('one')];
    expect(admitted.map(({ headers }) => /r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1])).toEqual(['2', '1', '0']);
    const refused = await ask('one');
    assertProblem(refused, 429, 'RATE_LIMITED');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit-policy')).toContain('q=3;w=60');
    expect((await ask('two')).status).toBe(200);
    await quickstart.close();
    await rm(dataDirectory, { recursive: true });
  });
});
