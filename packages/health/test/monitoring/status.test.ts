import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointStatus, type EndpointStatus } from '../../src/index.js';
import { failedOf } from '../../src/monitoring/flapping.js';
import { observe, unchecked, type Outcome, type StatusPolicy, type StatusState } from '../../src/monitoring/status.js';

const policy = (more: Partial<StatusPolicy> = {}): StatusPolicy => ({
  retryCount: 3,
  recoveryCount: 1,
  minErrorMs: 0,
  recoveryResponseMs: null,
  ...more,
});
/** The states after each of these results, a second apart from the second 1 on. */
const statesAfter = (
  outcomes: readonly (Partial<Outcome> & { status: EndpointStatus })[],
  rules: StatusPolicy,
  from = unchecked,
) => {
  let state = from;
  return outcomes.map((outcome, index) => {
    state = observe(state, { responseTimeMs: 1, at: 1_000 * (index + 1), ...outcome }, rules);
    return state;
  });
};
/** The statuses shown after each of these results. */
const shownAfter = (results: readonly EndpointStatus[], retryCount: number, from: StatusState = unchecked) =>
  statesAfter(
    results.map((status) => ({ status })),
    policy({ retryCount }),
    from,
  ).map(({ status }) => status);
const times = (count: number, status: EndpointStatus): EndpointStatus[] => Array<EndpointStatus>(count).fill(status);
const known = (status: EndpointStatus): StatusState => ({ ...unchecked, status });

describe('a wall clock that is set back an hour during a failure', () => {
  it('does not put off the end of its least duration by that hour', () => {
    const rules = policy({ retryCount: 2, minErrorMs: 4_000 });
    const hour = 3_600_000;
    const ats = [hour, hour + 1_000, 2_000, 3_000, 4_000, 5_000, 6_000];
    const states = statesAfter(
      ats.map((at) => ({ status: 'offline', at }) as const),
      rules,
      known('healthy'),
    );
    expect(states.map(({ status }) => status)).toEqual([...times(6, 'healthy'), 'offline']);
    expect(states.at(-1)?.since).toBe(2_000);
  });
});

describe('an endpoint that nobody has checked', () => {
  it('is healthy or degraded at its first good result', () => {
    expect(shownAfter(['healthy'], 3)).toEqual(['healthy']);
    expect(shownAfter(['degraded'], 3)).toEqual(['degraded']);
  });

  it('is offline or critical only after retry_count results in a row', () => {
    expect(shownAfter(times(3, 'offline'), 3)).toEqual(['unknown', 'unknown', 'offline']);
    expect(shownAfter(times(2, 'critical'), 2)).toEqual(['unknown', 'critical']);
    expect(shownAfter(['offline'], 1)).toEqual(['offline']);
  });
});

describe('a known endpoint', () => {
  it('keeps its status until retry_count results in a row are worse', () => {
    expect(shownAfter(times(3, 'offline'), 3, known('healthy'))).toEqual(['healthy', 'healthy', 'offline']);
    expect(shownAfter(times(3, 'degraded'), 3, known('healthy'))).toEqual(['healthy', 'healthy', 'degraded']);
    expect(shownAfter(times(2, 'offline'), 2, known('critical'))).toEqual(['critical', 'offline']);
  });

  it('starts to count again after a good result', () => {
    const flapping = ['offline', 'offline', 'healthy', 'offline', 'offline', 'healthy'] as const;
    expect(shownAfter(flapping, 3, known('healthy'))).toEqual(times(6, 'healthy'));
  });

  it('becomes what the last of different failures was', () => {
    expect(shownAfter(['offline', 'critical'], 2, known('healthy')).at(-1)).toBe('critical');
    expect(shownAfter(['critical', 'offline'], 2, known('healthy')).at(-1)).toBe('offline');
  });

  it('recovers at its first better result, whatever retry_count is', () => {
    expect(shownAfter(['healthy'], 10, known('offline'))).toEqual(['healthy']);
    expect(shownAfter(['degraded'], 10, known('offline'))).toEqual(['degraded']);
    expect(shownAfter(['critical'], 10, known('offline'))).toEqual(['critical']);
    expect(shownAfter(['healthy'], 10, known('degraded'))).toEqual(['healthy']);
  });
});

describe('trouble of our own', () => {
  it('changes nothing at once, and makes a status unknown after retry_count results in a row', () => {
    expect(shownAfter(times(3, 'unknown'), 3, known('healthy'))).toEqual(['healthy', 'healthy', 'unknown']);
    expect(shownAfter(times(3, 'unknown'), 3, known('offline'))).toEqual(['offline', 'offline', 'unknown']);
  });

  it('never counts among the failures of the endpoint', () => {
    expect(shownAfter(['unknown', 'unknown', 'offline'], 3, known('healthy')).at(-1)).toBe('healthy');
    expect(shownAfter(['unknown', 'offline', 'unknown', 'critical'], 3, known('healthy')).at(-1)).toBe('healthy');
    expect(shownAfter(['offline', 'offline', 'unknown'], 3, known('healthy')).at(-1)).toBe('healthy');
  });

  it('does not hide an endpoint that fails in between', () => {
    const results = ['offline', 'unknown', 'offline', 'unknown', 'offline'] as const;
    expect(shownAfter(results, 3, known('healthy')).at(-1)).toBe('offline');
  });
});

describe('a policy', () => {
  const shown = (results: readonly EndpointStatus[], rules: Partial<StatusPolicy>, from: EndpointStatus) =>
    statesAfter(
      results.map((status) => ({ status })),
      policy(rules),
      known(from),
    ).map(({ status }) => status);

  it('mends a status only after recovery_count better results in a row', () => {
    const results = ['healthy', 'healthy', 'offline', 'healthy', 'degraded', 'healthy'] as const;
    expect(shown(results, { recoveryCount: 3 }, 'offline')).toEqual([...times(5, 'offline'), 'healthy']);
  });

  it('worsens a status only when the failures last min_error_time besides', () => {
    // A second apart: the fifth failure comes four seconds after the first.
    expect(shown(times(5, 'offline'), { retryCount: 2, minErrorMs: 4_000 }, 'healthy')).toEqual([
      ...times(4, 'healthy'),
      'offline',
    ]);
  });

  it('keeps an endpoint degraded until it answers below recovery_response_time', () => {
    const outcomes = [300, 700, 450, 399].map((responseTimeMs) => ({ status: 'healthy' as const, responseTimeMs }));
    const rules = policy({ recoveryResponseMs: 400 });
    const statuses = (from: EndpointStatus) => statesAfter(outcomes, rules, known(from)).map(({ status }) => status);
    expect(statuses('healthy')).toEqual(times(4, 'healthy'));
    expect(statesAfter(outcomes.slice(1), rules, known('degraded')).map(({ status }) => status)).toEqual([
      'degraded',
      'degraded',
      'healthy',
    ]);
  });

  it('knows since when an endpoint is available, however slow it is by now', () => {
    const results = [
      'offline',
      'offline',
      'offline',
      'degraded',
      'healthy',
      'degraded',
      'degraded',
      'degraded',
    ] as const;
    const states = statesAfter(
      [...results, ...times(3, 'critical')].map((status) => ({ status })),
      policy(),
    );
    expect(states.map(({ availableSince }) => availableSince)).toEqual([
      ...[null, null, null, ...Array<number>(7).fill(4_000)],
      null,
    ]);
  });

  it('dates a status from the first of the results that made it', () => {
    const results = ['healthy', 'offline', 'offline', 'offline', 'offline', 'healthy'] as const;
    const states = statesAfter(
      results.map((status) => ({ status })),
      policy(),
    );
    expect(states.map(({ since }) => since)).toEqual([1_000, 1_000, 1_000, 2_000, 2_000, 6_000]);
  });
});

describe('flapping', () => {
  const going = (results: readonly EndpointStatus[]) =>
    statesAfter(
      results.map((status) => ({ status })),
      policy({ retryCount: 1 }),
    ).map(({ isFlapping }) => isFlapping);
  const turns = (count: number) => Array.from({ length: count }, (_, index) => (index % 2 ? 'offline' : 'healthy'));

  it('begins when more than three in ten of the last checks turned, and ends below one in four', () => {
    const flags = going([...turns(8), ...times(25, 'healthy')] as EndpointStatus[]);
    // Six turns, weighted 1.2 downwards: 6.6 of 20.
    expect(flags.indexOf(true)).toBe(6);
    expect(flags.slice(0, 6)).toEqual(Array(6).fill(false));
    const end = flags.lastIndexOf(true);
    // They are 30.2 % then, 25.6 %, and 21.1 % at the next.
    expect(end).toBe(22);
    expect(flags.at(-1)).toBe(false);
  });

  it('is nothing that one failure in ten checks amounts to, which is 28 % of turns at the most', () => {
    const one = [...times(9, 'healthy'), 'offline'] as const;
    const states = statesAfter(
      Array.from({ length: 20 }, () => one)
        .flat()
        .map((status) => ({ status })),
      policy(),
    );
    expect(states.filter(({ isFlapping }) => isFlapping)).toEqual([]);
  });

  it('knows of the last twenty checks, or of as many as there were, how many did not answer', () => {
    const sequences = fc.array(fc.constantFrom<EndpointStatus>('healthy', 'degraded', 'critical', 'offline'), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(sequences, (sequence) => {
        const state = statesAfter(
          sequence.map((status) => ({ status })),
          policy(),
        ).at(-1);
        const last = sequence.slice(-20);
        const failed = last.filter((it) => it === 'critical' || it === 'offline').length;
        const { changes = 0, answered = null } = state ?? {};
        expect(failedOf({ changes, answered, checks: sequence.length })).toEqual({ failed, checks: last.length });
      }),
    );
  });

  it('is nothing that slow answers, or troubles of our own, amount to', () => {
    const slow = Array.from({ length: 40 }, (_, index) => (index % 2 ? 'degraded' : 'healthy') as EndpointStatus);
    expect(going(slow)).not.toContain(true);
    const blind = Array.from({ length: 40 }, (_, index) => (index % 2 ? 'unknown' : 'healthy') as EndpointStatus);
    expect(going(blind)).not.toContain(true);
  });
});

describe('any sequence of results', () => {
  const results = fc.array(fc.constantFrom(...endpointStatus.options), { minLength: 1, maxLength: 40 });
  const retryCount = fc.integer({ min: 1, max: 10 });
  const policies = fc.record<StatusPolicy>({
    retryCount: fc.integer({ min: 1, max: 5 }),
    recoveryCount: fc.integer({ min: 1, max: 4 }),
    minErrorMs: fc.constantFrom(0, 1_000, 5_000, 30_000),
    recoveryResponseMs: fc.constantFrom(null, 200, 500),
  });
  const outcome = fc.record({
    // Some statuses come more often than others, so that rows are long enough to count, and answers change often.
    status: fc.constantFrom<EndpointStatus>(
      ...(['healthy', 'healthy', 'healthy', 'offline', 'offline', 'offline'] as const),
      ...(['degraded', 'degraded', 'critical', 'unknown'] as const),
    ),
    gapMs: fc.integer({ min: 1, max: 10_000 }),
    responseTimeMs: fc.constantFrom(null, 1, 200, 201, 500, 501),
  });
  const histories = fc.array(outcome, { minLength: 1, maxLength: 120 }).map((outcomes) => {
    let at = 0;
    return outcomes.map(({ gapMs, ...rest }): Outcome => ({ ...rest, at: (at += gapMs) }));
  });

  it('leads where a model leads that looks back over the whole history, whatever the policy', () => {
    fc.assert(
      fc.property(histories, policies, (history, rules) => {
        const states = statesAfter(history, rules);
        expect(states.map(({ status, since, isFlapping }) => ({ status, since, isFlapping }))).toEqual(
          model(history, rules),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('changes the status only to what the last result was', () => {
    fc.assert(
      fc.property(results, retryCount, (sequence, retries) => {
        const shown = shownAfter(sequence, retries);
        shown.forEach((status, index) => {
          if (status !== (shown[index - 1] ?? 'unknown')) expect(status).toBe(sequence[index]);
        });
      }),
    );
  });

  it('shows every result at once when retry_count is 1', () => {
    fc.assert(
      fc.property(results, (sequence) => {
        expect(shownAfter(sequence, 1)).toEqual(sequence);
      }),
    );
  });

  it('shows what the endpoint steadily is after retry_count results, whatever was before', () => {
    fc.assert(
      fc.property(results, fc.constantFrom(...endpointStatus.options), retryCount, (before, steady, retries) => {
        expect(shownAfter([...before, ...times(retries, steady)], retries).at(-1)).toBe(steady);
      }),
    );
  });
});

/**
 * The rules in another form: it keeps no counter, but looks back over the results since the status was last changed or
 * confirmed, and for flapping over all of them.
 */
function model(history: readonly Outcome[], rules: StatusPolicy) {
  const order: EndpointStatus[] = ['healthy', 'degraded', 'critical', 'offline'];
  const isGood = (status: EndpointStatus) => status === 'healthy' || status === 'degraded';
  const rank = (status: EndpointStatus) => order.indexOf(status);
  const found: EndpointStatus[] = [];
  let status: EndpointStatus = 'unknown';
  let [since, isFlapping, start]: [number | null, boolean, number] = [null, false, 0];
  /** Whether one result is better than the status. */
  const improves = (result: EndpointStatus) => (status === 'unknown' ? isGood(result) : rank(result) < rank(status));
  return history.map(({ at, responseTimeMs, ...outcome }, index) => {
    const isSlow = outcome.status === 'healthy' && (responseTimeMs ?? 0) > (rules.recoveryResponseMs ?? Infinity);
    const result = isSlow && status === 'degraded' ? 'degraded' : outcome.status;
    found.push(result);
    const seen = history.map((it, place) => ({ at: it.at, result: found[place] })).slice(start, index + 1);
    const known = seen.filter((it) => it.result !== 'unknown') as { at: number; result: EndpointStatus }[];
    const blind = seen.length - 1 - seen.findLastIndex((it) => it.result !== 'unknown');
    // The row that the last result belongs to: all better than the status, or none.
    const row = known.slice(known.findLastIndex((it) => improves(it.result) !== improves(result)) + 1);
    const from = row[0]?.at ?? at;
    const mends = improves(result) && (status === 'unknown' || row.length >= rules.recoveryCount);
    const worsens = !improves(result) && row.length >= rules.retryCount && at - from >= rules.minErrorMs;
    const isTurned = result === 'unknown' ? blind >= rules.retryCount : mends || worsens;
    if (result === status) start = index + 1;
    else if (isTurned) [status, since, start] = [result, result === 'unknown' ? at : from, index + 1];
    if (result !== 'unknown') isFlapping = flaps(found, isFlapping);
    return { status, since, isFlapping };
  });
}

/** Nagios's rule: of the last 20 checks those that turned, the newest counting 1.2 and the oldest 0.8. */
function flaps(results: readonly EndpointStatus[], flapped: boolean): boolean {
  const answered = results.filter((it) => it !== 'unknown').map((it) => it === 'healthy' || it === 'degraded');
  const newestFirst = answered.map((it, index) => index > 0 && it !== answered[index - 1]).reverse();
  const share =
    newestFirst.slice(0, 20).reduce((sum, turned, age) => sum + (turned ? 1.2 - (0.4 * age) / 19 : 0), 0) / 20;
  return flapped ? share >= 0.25 : share > 0.3;
}
