import { describe, expect, it } from 'vitest';
import { estimated, perItem } from '../../src/plans/estimate.js';
import type { RunProgress, TargetPace } from '../../src/runs/run.js';
import { planned, type PlannedTarget } from '../../src/tasks/plan.js';
import { pulse } from '../../src/testing/samples.js';

/** A run that settled so many items of a target in so many seconds, gave so many bytes back, and looked at so many items. */
const run = (...targets: [target: string, settled: number, seconds: number, bytes?: number, seen?: number][]) => ({
  progress: {
    ...(pulse.progress as RunProgress),
    targets: targets.map(([target, settled, seconds, bytes = 0, seen = settled]): TargetPace => {
      return { target, settled, seconds, bytes, seen, planned: settled };
    }),
  },
});

describe('what an item of a target takes', () => {
  it.each<[string, ReturnType<typeof run>[], number | null]>([
    ['is not known before there was a run', [], null],
    ['is not known from another target', [run(['b', 10, 5])], null],
    ['is what the run measured', [run(['b', 10, 1], ['a', 10, 5])], 500],
    ['is not told by what was over in a moment', [run(['a', 10, 0.9]), run(['a', 10, 2])], 200],
    ['is not told by a run that settled none', [run(['a', 0, 9]), run(['a', 10, 2])], 200],
    ['is the median, the lower of two', [run(['a', 10, 40]), run(['a', 10, 10])], 1_000],
    ['is that of the last five', [9, 1, 8, 2, 5, 100, 100].map((seconds) => run(['a', 10, seconds])), 500],
  ])('%s', (_, runs, ms) => {
    expect(perItem(runs, 'a', 'settled', ({ seconds }) => seconds * 1_000)).toBe(ms);
  });

  it('is not told by runs that never said how far they were', () => {
    expect(perItem([{ progress: null }], 'a', 'settled', () => 1)).toBeNull();
  });
});

describe('a plan', () => {
  const target = (given: Partial<PlannedTarget>) =>
    planned({ target: 'a', action: 'compress', items: 30, strategy: 's', ...given }, {});
  const [only] = [run(['a', 10, 5, 4_000])];
  const told = (given: Partial<PlannedTarget>, runs = [only]) =>
    estimated({ targets: [target(given)], warnings: [] }, runs).targets[0];

  it('says what earlier runs measured, and that they did', () => {
    const usual = { estimatedMs: 7, bytes: 5, bytesFrom: 'estimated' } as const;
    expect(told(usual)).toMatchObject({
      ...{ estimatedMs: 15_000, estimatedFrom: 'earlier_runs', bytes: 12_000, bytesFrom: 'earlier_runs' },
    });
  });

  it('goes by what is looked at where the plan says how much that is, also when nothing went before', () => {
    const looking = [run(['a', 0, 10, 0, 1_000]), run(['a', 1, 10, 4_000, 1_000])];
    expect(told({ toSee: 3_000, bytes: 5, bytesFrom: 'estimated' }, looking)).toMatchObject({
      ...{ estimatedMs: 30_000, estimatedFrom: 'earlier_runs', bytes: 120_000, bytesFrom: 'earlier_runs' },
    });
  });

  it('says what is usual where there are none, and that it is that', () => {
    expect(told({ estimatedMs: 7, bytes: 5, bytesFrom: 'estimated' }, [])).toMatchObject({
      ...{ estimatedMs: 7, estimatedFrom: 'default_rate', bytes: 5, bytesFrom: 'estimated' },
    });
    expect(told({}, [])).toMatchObject({
      ...{ estimatedMs: null, estimatedFrom: null, bytes: null, bytesFrom: null },
    });
  });

  it('keeps what was measured now, and what the task has from earlier runs itself', () => {
    expect(told({ estimatedMs: 7, estimatedFrom: 'earlier_runs', bytes: 5 })).toMatchObject({
      ...{ estimatedMs: 7, estimatedFrom: 'earlier_runs', bytes: 5, bytesFrom: 'measured' },
    });
  });
});
