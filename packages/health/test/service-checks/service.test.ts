import { describe, expect, it } from 'vitest';
import { WrongAnswer } from '../../src/probes/probe.js';
import { checksWith } from '../support/checking.js';
import type { ServiceTarget } from '../../src/index.js';

const main: ServiceTarget = { serviceType: 'database', check: () => Promise.resolve({ facts: { version: '1' } }) };
const targets = { main };

describe('a check on request', () => {
  it.each([
    ['a target that nobody named', { serviceType: 'database', target: 'other' } as const],
    ['a target of another type', { serviceType: 'redis', target: 'main' } as const],
    ['a name that every object has', { serviceType: 'database', target: 'constructor' } as const],
    ['a container without an engine', { serviceType: 'container', containerId: 'web-1' } as const],
  ])('does not find %s', async (_, draft) => {
    await expect(checksWith({ targets }).run(draft)).rejects.toMatchObject({ code: 'TARGET_NOT_FOUND' });
  });

  it.each([
    ['nothing to check', {}],
    ['two things to check', { target: 'main', connectionString: 'postgres://127.0.0.1' }],
    ['a container id for a database', { containerId: 'web-1' }],
    ['no time', { target: 'main', timeout: 0 }],
    ['too much time', { target: 'main', timeout: 61 }],
  ])('refuses %s', async (_, draft) => {
    await expect(checksWith({ targets }).run({ serviceType: 'database', ...draft })).rejects.toThrow();
  });

  it('refuses what is no container id', async () => {
    const draft = { serviceType: 'container', containerId: '../../images/json' } as const;
    await expect(checksWith({ targets }).run(draft)).rejects.toThrow();
  });

  it('is degraded with the reason that the target gives', async () => {
    const worried: ServiceTarget = { ...main, check: () => Promise.resolve({ facts: {}, degraded: 'It is starting' }) };
    const answer = await checksWith({ targets: { worried } }).run({ serviceType: 'database', target: 'worried' });
    expect(answer).toMatchObject({ status: 'degraded', message: 'It is starting' });
  });

  it('blames itself for an error that nobody foresaw, and does not repeat it', async () => {
    const broken: ServiceTarget = { ...main, check: () => Promise.reject(new Error('hunter2')) };
    const answer = await checksWith({ targets: { broken } }).run({ serviceType: 'database', target: 'broken' });
    expect(answer).toEqual({
      ...{ status: 'unknown', code: 'check_failed', responseTime: null, message: 'The check itself failed' },
      details: {},
    });
  });

  it('is critical with the reason of a wrong answer', async () => {
    const wrong: ServiceTarget = {
      ...main,
      check: () => Promise.reject(new WrongAnswer('It is read-only', { responseTimeMs: 1_500 })),
    };
    const answer = await checksWith({ targets: { wrong } }).run({ serviceType: 'database', target: 'wrong' });
    expect(answer).toEqual({
      ...{ status: 'critical', code: 'wrong_answer', responseTime: 1.5, message: 'It is read-only' },
      details: {},
    });
  });

  it('does not wait for a target that ignores its time, nor for one whose caller is gone already', async () => {
    const deaf: ServiceTarget = { ...main, check: () => new Promise<never>(() => undefined) };
    const checks = checksWith({ targets: { deaf } });
    const draft = { serviceType: 'database', target: 'deaf', timeout: 0.1 } as const;
    expect(await checks.run(draft)).toMatchObject({ status: 'offline', message: 'No answer in time' });
    expect(await checks.run(draft, AbortSignal.abort())).toMatchObject({
      status: 'unknown',
      message: 'The check was stopped',
    });
  });

  describe('of a target that hangs', () => {
    const draft = { serviceType: 'database', target: 'hanging', timeout: 0.1 } as const;
    /** One whose checks end when the test says. */
    function hanging() {
      const begun: AbortSignal[] = [];
      let end: () => void = () => undefined;
      const check: ServiceTarget['check'] = (signal) =>
        new Promise((resolve) => {
          begun.push(signal);
          end = () => resolve({ facts: { number: begun.length } });
        });
      const checks = checksWith({ targets: { hanging: { ...main, check } } });
      return { begun, checks, end: () => end() };
    }

    it('is not begun once more before it has ended, however many ask for it', async () => {
      const { begun, checks, end } = hanging();
      const asked = [checks.run(draft), checks.run(draft), checks.run({ ...draft, timeout: 60 })];
      const [first, second] = await Promise.all(asked.slice(0, 2));
      expect([first?.code, second?.code, begun.length, begun[0]?.aborted]).toEqual(['timeout', 'timeout', 1, false]);
      end();
      expect(await asked[2]).toMatchObject({ status: 'healthy', details: { number: 1 } });
    });

    it('is told that nobody waits for it any more, and made anew once it has ended', async () => {
      const { begun, checks, end } = hanging();
      expect((await checks.run(draft)).code).toBe('timeout');
      expect(begun[0]?.aborted).toBe(true);
      expect((await checks.run(draft)).code).toBe('timeout');
      expect(begun).toHaveLength(1);
      const asked = checks.run({ ...draft, timeout: 60 });
      end();
      await expect.poll(() => begun.length).toBe(2);
      end();
      expect(await asked).toMatchObject({ status: 'healthy', details: { number: 2 } });
    });
  });
});
