import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointStatus, type EndpointStatus } from '../../src/index.js';
import { observe, unchecked, type StatusState } from '../../src/monitoring/status.js';

/** The statuses shown after each of these results. */
const shownAfter = (results: readonly EndpointStatus[], retryCount: number, from: StatusState = unchecked) => {
  let state = from;
  return results.map((result) => (state = observe(state, result, retryCount)).status);
};
const times = (count: number, status: EndpointStatus): EndpointStatus[] => Array<EndpointStatus>(count).fill(status);
const known = (status: EndpointStatus): StatusState => ({ status, streak: 0 });

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
