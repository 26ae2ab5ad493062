import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode } from 'zod';
import { endpointStatus, healthSummary, type EndpointStatus, type KeptEndpoint } from '../../src/index.js';
import { uncheckedState } from '../../src/monitoring/directory.js';
import { figuresOf, summaryOf } from '../../src/summary/summary.js';
import { endpointRecord } from '../support/endpoints.js';

const now = Date.UTC(2026, 0, 1);
const kept = (status: EndpointStatus, responseTimeMs: number | null = null): KeptEndpoint => ({
  ...uncheckedState,
  endpoint: endpointRecord(),
  status,
  responseTimeMs,
  message: `It is ${status}`,
  checkedAt: status === 'unknown' ? null : now - 1_000,
});
const overall = (...statuses: EndpointStatus[]) =>
  figuresOf(
    statuses.map((it) => kept(it)),
    now,
  ).overallStatus;

describe('the overall status', () => {
  it('is unknown while no endpoint is known', () => {
    expect(overall()).toBe('unknown');
    expect(overall('unknown', 'unknown')).toBe('unknown');
  });

  it('is offline when all are, and critical when only some are', () => {
    expect(overall('offline', 'offline')).toBe('offline');
    expect(overall('offline', 'healthy')).toBe('critical');
    expect(overall('offline', 'unknown')).toBe('critical');
  });

  it('is the worst of critical, degraded and healthy otherwise', () => {
    expect(overall('critical', 'degraded', 'healthy')).toBe('critical');
    expect(overall('degraded', 'healthy', 'unknown')).toBe('degraded');
    expect(overall('healthy', 'unknown')).toBe('healthy');
  });
});

describe('the summary of any endpoints', () => {
  const anyEndpoints = fc.array(
    fc.tuple(fc.constantFrom(...endpointStatus.options), fc.option(fc.integer({ min: 0, max: 60_000 }))),
    { maxLength: 30 },
  );

  it('fits its schema, and counts each once', () => {
    fc.assert(
      fc.property(anyEndpoints, (all) => {
        const endpoints = all.map(([status, ms]) => kept(status, ms));
        const summary = summaryOf(endpoints, now);
        expect(() => encode(healthSummary, summary)).not.toThrow();
        for (const status of endpointStatus.options)
          expect(summary[`${status}Count`]).toBe(all.filter(([it]) => it === status).length);
        expect(summary.totalEndpoints).toBe(all.length);
        expect(summary.details.map(({ endpointId }) => endpointId)).toEqual(endpoints.map((it) => it.endpoint.id));
      }),
    );
  });

  it('averages the response times of those that answered, in seconds', () => {
    fc.assert(
      fc.property(anyEndpoints, (all) => {
        const times = all.flatMap(([, ms]) => ms ?? []);
        const { averageResponseTime } = figuresOf(
          all.map(([status, ms]) => kept(status, ms)),
          now,
        );
        if (times.length === 0) expect(averageResponseTime).toBeNull();
        else expect(averageResponseTime).toBeCloseTo(times.reduce((sum, ms) => sum + ms, 0) / times.length / 1_000, 5);
      }),
    );
  });
});
