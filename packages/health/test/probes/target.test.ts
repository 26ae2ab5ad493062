import { describe, expect, it, onTestFinished } from 'vitest';
import { postgres } from '@dotmac/core/kysely';
import { ConnectFailure } from '@dotmac/core/net';
import { available, postgresUrl } from '../../../../test/support/services.js';
import type { Condition } from '../../src/conditions/condition.js';
import { databaseTarget, type ServiceTarget } from '../../src/index.js';
import { Unreachable, WrongAnswer } from '../../src/probes/probe.js';
import { targetProbe } from '../../src/probes/target.js';
import { probed, type Probing } from '../support/probing.js';

const main: ServiceTarget = {
  serviceType: 'database',
  check: () => Promise.resolve({ facts: { version: '16.4', acquire_wait_ms: 3 } }),
};
/** Checks `main` with this in place of its own check. */
const checking = (check: ServiceTarget['check'], probing: Probing = {}) =>
  probed(targetProbe({ main: { ...main, check } }).database, { config: { target: 'main' }, ...probing });

describe('a target', () => {
  it('that answers is healthy, and its facts are there for conditions', async () => {
    const condition = (on: string, value: string | number): Condition => ({
      on,
      op: 'eq',
      value,
      severity: 'degraded',
    });
    const conditions = [condition('version', '16.4'), condition('acquire_wait_ms', 3)];
    const result = await checking(main.check, { conditions });
    expect(result).toMatchObject({ status: 'healthy', message: 'It answered as expected' });
    expect(result.responseTimeMs).toBeGreaterThanOrEqual(0);
    expect(await checking(main.check, { conditions: [condition('version', '17')] })).toMatchObject({
      status: 'degraded',
      message: 'The condition version eq "17" does not hold',
    });
  });

  it('of each type is checked by its own probe alone', async () => {
    const probes = targetProbe({
      main,
      cache: { ...main, serviceType: 'redis' },
      web: { ...main, serviceType: 'container' },
    });
    for (const [type, name] of [
      ['database', 'main'],
      ['redis', 'cache'],
      ['container', 'web'],
    ] as const) {
      expect(probes[type]).toMatchObject({ serviceType: type, addressing: 'none' });
      for (const target of ['main', 'cache', 'web'])
        expect(await probed(probes[type], { config: { target } })).toMatchObject(
          target === name
            ? { status: 'healthy' }
            : { status: 'offline', message: `The host application has named no ${type} "${target}"` },
        );
    }
  });

  it.each(['other', 'constructor', '__proto__'])(
    'that nobody named is offline, in clear words (%s)',
    async (target) => {
      expect(await probed(targetProbe({ main }).database, { config: { target } })).toEqual({
        status: 'offline',
        code: 'target_missing',
        responseTimeMs: null,
        message: `The host application has named no database "${target}"`,
      });
    },
  );

  it('is degraded with its own reason, and when it takes longer than expected', async () => {
    const answer = { facts: {}, responseTimeMs: 1_500 };
    expect(await checking(() => Promise.resolve({ ...answer, degraded: 'It is starting' }))).toMatchObject({
      status: 'degraded',
      message: 'It is starting',
      responseTimeMs: 1_500,
    });
    expect(await checking(() => Promise.resolve(answer), { expectedResponseTimeMs: 1_000 })).toMatchObject({
      status: 'degraded',
      message: 'It answered as expected, slower than expected',
    });
  });

  it.each([
    [
      new WrongAnswer('It is read-only', { responseTimeMs: 20 }),
      { status: 'critical', responseTimeMs: 20, message: 'It is read-only' },
    ],
    [new Unreachable('It is away'), { status: 'offline', message: 'It is away' }],
    [new ConnectFailure('refused'), { status: 'offline', message: 'The connection was refused' }],
    [new Error('hunter2'), { status: 'unknown', message: 'The check itself failed' }],
  ])('that throws %s means that', async (error, meaning) => {
    const result = await checking(() => Promise.reject(error));
    expect(result).toMatchObject(meaning);
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });

  it('is told when its time is up, and not waited for', async () => {
    const told: unknown[] = [];
    const deaf: ServiceTarget['check'] = (signal) => {
      signal.addEventListener('abort', () => told.push(signal.reason));
      return new Promise<never>(() => undefined);
    };
    const message = 'No answer in time';
    expect(await checking(deaf, { timeoutMs: 50 })).toMatchObject({ status: 'offline', message });
    expect(told).toEqual([expect.objectContaining({ code: 'timeout' })]);
    expect(await checking(deaf, { signal: AbortSignal.abort() })).toMatchObject({ status: 'unknown' });
  });

  it.each([[{}], [{ target: '' }], [{ target: 'a'.repeat(101) }], [{ target: 'main', url: 'x' }]])(
    'is not named like %j',
    (config) => {
      expect(targetProbe({ main }).database.config.safeParse(config).success).toBe(false);
    },
  );
});

describe.skipIf(!available.postgres)('a PostgreSQL database (needs PostgreSQL: npm run services)', () => {
  it('is healthy as an endpoint, and judged by its facts', async () => {
    const database = postgres(postgresUrl);
    onTestFinished(() => database.close());
    const probe = targetProbe({ main: databaseTarget(database) }).database;
    const condition: Condition = { on: 'acquire_wait_ms', op: 'gte', value: 0, severity: 'critical' };
    const check = (conditions: Condition[]) => probed(probe, { config: { target: 'main' }, conditions });
    expect(await check([condition])).toMatchObject({ status: 'healthy' });
    expect(await check([{ ...condition, op: 'lt' }])).toMatchObject({ status: 'critical' });
  });
});
