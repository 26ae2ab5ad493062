import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probed, type Probing } from '../../../health/test/support/probing.js';
import { available } from '../../../../test/support/services.js';
import { radiusProbe } from '../../src/index.js';
import type { Daemon } from '../support/daemon.js';
import { freeradius, sharedSecret } from '../support/freeradius.js';

const nemo = { username: 'nemo', password: 'arctangent' };
const is = (on: string, value: unknown) => ({ on, op: 'eq', value, severity: 'critical' }) as never;

describe.skipIf(!available.freeradius)('FreeRADIUS (needs it: npm run services)', () => {
  let server: Daemon;
  beforeAll(async () => void (server = await freeradius()));
  afterAll(() => server.stop());
  const radius = ({ config, ...probing }: Probing = {}) =>
    probed(radiusProbe(), { port: server.port, ...probing, config: { secret: sharedSecret, ...config } });

  it.each(['pap', 'chap'])('accepts a user who is right (%s)', async (method) => {
    const { phases, ...result } = await radius({ config: { method, auth: nemo } });
    expect(result).toMatchObject({ status: 'healthy', message: 'Answered accept' });
    expect(phases).toEqual({ dnsMs: 0, firstByteMs: result.responseTimeMs });
  });

  it.each(['pap', 'chap'])('accepts a password of many blocks (%s)', async (method) => {
    const auth = { username: 'long', password: 'p'.repeat(120) };
    expect(await radius({ config: { method, auth } })).toMatchObject({ status: 'healthy' });
  });

  it.each(['pap', 'chap'])('rejects one who is wrong (%s), which is what may be expected', async (method) => {
    const config = { method, auth: { ...nemo, password: 'Arctangent' } };
    const rejected = await radius({ config });
    expect(rejected).toMatchObject({ status: 'critical', message: 'Answered reject' });
    expect(rejected.responseTimeMs).toBeGreaterThan(0);
    expect(await radius({ config: { ...config, expect: 'reject' } })).toMatchObject({ status: 'healthy' });
    expect(await radius({ config: { ...config, expect: 'any' } })).toMatchObject({ status: 'healthy' });
    const welcome = { ...config, auth: nemo, expect: 'reject' };
    expect(await radius({ config: welcome })).toMatchObject({ status: 'critical', message: 'Answered accept' });
  });

  it('challenges', async () => {
    const config = { auth: { username: 'challenged', password: 'x' } };
    expect(await radius({ config })).toMatchObject({ status: 'critical', message: 'Answered challenge' });
    expect(await radius({ config: { ...config, expect: 'challenge' } })).toMatchObject({ status: 'healthy' });
  });

  it('says how it is itself', async () => {
    expect(await radius({ config: { method: 'status' } })).toMatchObject({ status: 'healthy' });
  });

  it('is judged by conditions', async () => {
    const conditions = [is('answer', 'accept'), is('messages[0]', 'Welcome, nemo'), is('messages.length', 1)];
    expect(await radius({ config: { auth: nemo }, conditions })).toMatchObject({ status: 'healthy' });
    const wrong = [is('messages[0]', 'Go away')];
    expect(await radius({ config: { auth: nemo }, conditions: wrong })).toMatchObject({ status: 'critical' });
  });

  it('says nothing to those who have another secret: it cannot be told from one that is not there', async () => {
    const config = { secret: 'other', auth: nemo };
    const silent = { status: 'offline', code: 'timeout', responseTimeMs: null, message: 'No answer in time' };
    expect(await radius({ config, timeoutMs: 300 })).toEqual(silent);
    expect(await radius({ config: { secret: 'other', method: 'status' }, timeoutMs: 300 })).toEqual(silent);
  });

  it('is heard also when it waits for longer than until the request is repeated', async () => {
    // It is asked again after one second and after three.
    const slow = await freeradius({ rejectDelay: 4 });
    try {
      const config = { auth: { ...nemo, password: 'wrong' }, expect: 'reject' };
      const result = await radius({ port: slow.port, config, timeoutMs: 20_000, expectedResponseTimeMs: 19_000 });
      expect(result).toMatchObject({ status: 'healthy' });
      // A repetition that it took for a new request would have begun its four seconds again.
      expect(result.responseTimeMs).toBeGreaterThan(3_500);
      expect(result.responseTimeMs).toBeLessThan(6_900);
    } finally {
      await slow.stop();
    }
  });
});
