import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointStatus, type EndpointStatus } from '../../src/index.js';
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
    expect(end).toBeGreaterThan(8);
    expect(flags.at(-1)).toBe(false);
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

  it('leads where a model leads that looks back over the whole history', () => {
    fc.assert(
      fc.property(results, retryCount, (sequence, retries) => {
        expect(shownAfter(sequence, retries)).toEqual(model(sequence, retries));
      }),
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
 * confirmed.
 */
function model(results: readonly EndpointStatus[], retryCount: number): EndpointStatus[] {
  const order: EndpointStatus[] = ['healthy', 'degraded', 'critical', 'offline'];
  let status: EndpointStatus = 'unknown';
  let since = 0;
  return results.map((result, index) => {
    const better =
      status === 'unknown'
        ? result === 'healthy' || result === 'degraded'
        : result !== 'unknown' && order.indexOf(result) < order.indexOf(status);
    const window = results.slice(since, index + 1);
    const ownTroubles = window.slice(window.findLastIndex((it) => it !== 'unknown') + 1).length;
    const failures = window.filter((it) => it !== 'unknown').length;
    const enough = result === 'unknown' ? ownTroubles >= retryCount : failures >= retryCount;
    if (result === status || better || enough) [status, since] = [result, index + 1];
    return status;
  });
}
