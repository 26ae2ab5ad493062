import { fakeClock } from '@dotmac/core/testing';
import { createConnector } from '@dotmac/core/net';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProbe, runProbe, WrongAnswer, type Observation, type ProbeContext } from '../../src/index.js';
import type { ProbeResult } from '../../src/probes/judge.js';

/** Runs a probe that does this, on a clock that goes on for as long as it takes. */
async function outcomeOf(run: (context: ProbeContext) => Promise<Observation>): Promise<ProbeResult> {
  const clock = fakeClock();
  const { result } = runProbe({
    probe: defineProbe({
      serviceType: 'played',
      summary: 'Does what the test says',
      addressing: 'none',
      config: z.unknown(),
      run,
    }),
    target: { host: '', port: 0, config: undefined as never },
    expected: { timeoutMs: 1_000, expectedResponseTimeMs: 500, conditions: [] },
    ...{ connector: createConnector(), clock, signal: new AbortController().signal },
  });
  let hasEnded = false;
  void result.finally(() => (hasEnded = true));
  while (!hasEnded) await clock.advance(1);
  return result;
}

describe('a check', () => {
  it('has a total beside its parts, which is from its beginning to its end', async () => {
    const { responseTimeMs, phases } = await outcomeOf(async ({ clock }) => {
      await clock.sleep(30);
      return { responseTimeMs: 12, message: 'It is there', phases: { dnsMs: 5, transferMs: 10 } };
    });
    expect(responseTimeMs).toBe(12);
    expect(phases).toEqual({ dnsMs: 5, transferMs: 10, totalMs: 30 });
  });

  it('has one whatever comes of it', async () => {
    const wrong = await outcomeOf(async ({ clock }) => {
      await clock.sleep(20);
      throw new WrongAnswer('It is wrong', { responseTimeMs: 7, phases: { connectMs: 1 } });
    });
    expect(wrong).toMatchObject({ status: 'critical', responseTimeMs: 7, phases: { connectMs: 1, totalMs: 20 } });
    const none = await outcomeOf(({ clock, signal }) => clock.sleep(60_000, signal) as Promise<never>);
    expect(none).toMatchObject({ code: 'timeout', responseTimeMs: null, phases: { totalMs: 1_000 } });
    const deaf = await outcomeOf(() => new Promise(() => undefined));
    expect(deaf).toMatchObject({ code: 'timeout', phases: { totalMs: 1_050 } });
  });

  it('has no parts that are no durations, for nothing that they are kept with could be read again', async () => {
    const { status, phases } = await outcomeOf(() =>
      Promise.resolve({
        ...{ responseTimeMs: 1, message: 'It is there' },
        phases: { dnsMs: NaN, connectMs: -0.001, tlsMs: Infinity, firstByteMs: 1 },
      }),
    );
    expect(status).toBe('healthy');
    expect(phases).toEqual({ connectMs: 0, firstByteMs: 1, totalMs: 0 });
  });
});
