import { describe, expect, it } from 'vitest';
import { freshStep, nextCompletedOrder, nextMove, outputsOf } from '../../src/provisioning/plan.js';
import { hookKeys, type Run, type RunStep } from '../../src/provisioning/run.js';

const step = (key: string, more: Partial<RunStep> = {}): RunStep => ({ ...freshStep(key), ...more });
const done = (key: string, completedOrder: number, more: Partial<RunStep> = {}): RunStep =>
  step(key, { status: 'completed', completedOrder, output: `of ${key}`, ...more });
const run = (steps: RunStep[], more: Partial<Run> = {}) => ({
  ...{ direction: 'forward' as const, operation: 'provision' as const, cancelRequestedAt: null, steps },
  ...more,
});
const moveOf = (...of: Parameters<typeof run>): string => {
  const next = nextMove(run(...of));
  return next.move === 'end' ? `end ${next.status}` : `${next.move} ${next.step.key}`;
};
const backward = { direction: 'backward' } as const;

describe('a run that goes forward', () => {
  it('runs the first step that is neither done nor skipped, and is completed after the last', () => {
    const [a, b] = [done('a', 1), step('b', { status: 'skipped' })];
    expect(moveOf([step('a'), step('b')])).toBe('run a');
    for (const status of ['pending', 'running', 'waiting', 'failed'] as const)
      expect(moveOf([a, b, step('c', { status }), step('d')])).toBe('run c');
    expect(moveOf([a, b])).toBe('end completed');
  });
});

describe('a run that goes back', () => {
  it('undoes first what nobody knows of, then what was done, the last first, and not what never was', () => {
    const steps = (...left: RunStep[]) => [...left, step('pending'), step('skipped', { status: 'skipped' })];
    const [first, second, third] = [done('first', 1), done('second', 2), done('third', 3)];
    for (const status of ['running', 'waiting', 'failed'] as const)
      expect(moveOf(steps(first, second, third, step('unknown', { status })), backward)).toBe('compensate unknown');
    expect(moveOf(steps(first, second, third), backward)).toBe('compensate third');
    expect(moveOf(steps(first, second, { ...third, status: 'compensating' }), backward)).toBe('compensate third');
    expect(moveOf(steps(first, second, { ...third, status: 'compensated' }), backward)).toBe('compensate second');
    expect(moveOf(steps(first), backward)).toBe('compensate first');
    expect(moveOf(steps({ ...first, status: 'compensated' }), backward)).toBe('end failed');
  });

  it('looks, of taking down, at what was skipped as well', () => {
    const steps = [done('a', 1), step('b', { status: 'skipped' }), done('c', 2, { status: 'compensated' })];
    const off = { ...backward, operation: 'deprovision', cancelRequestedAt: 5 } as const;
    expect(moveOf(steps, off)).toBe('compensate b');
    expect(moveOf(steps, { ...off, operation: 'provision' })).toBe('compensate a');
  });

  it('ends as what it was turned back for', () => {
    expect(moveOf([step('a')], backward)).toBe('end failed');
    expect(moveOf([step('a')], { ...backward, cancelRequestedAt: 5 })).toBe('end cancelled');
  });

  it('is stuck where something cannot be undone, and where its operation does not undo what failed', () => {
    const broken = step('b', { status: 'compensation_failed' });
    expect(moveOf([done('a', 1), broken], backward)).toBe('end stuck');
    for (const operation of ['deprovision', 'suspend', 'resume', 'throttle'] as const)
      expect(moveOf([done('a', 1), step('b', { status: 'failed' })], { ...backward, operation })).toBe('end stuck');
  });

  it('undoes taking down that was cancelled, and leaves where they are those that follow reasons', () => {
    const steps = [done('a', 1), step('b', { status: 'failed' })];
    const moves = (['deprovision', 'suspend', 'resume', 'throttle'] as const).map((operation) =>
      moveOf(steps, { ...backward, operation, cancelRequestedAt: 5 }),
    );
    expect(moves).toEqual(['compensate b', 'end stuck', 'end stuck', 'end stuck']);
  });
});

describe('the steps that were done', () => {
  it('gave what later ones are told, hooks aside', () => {
    const hook = done(hookKeys.before, 1);
    const undone = done('undone', 3, { status: 'compensated' });
    const steps = [hook, done('a', 2), undone, step('b', { status: 'waiting', output: 'not yet' }), step('c')];
    expect(outputsOf(steps)).toEqual({ a: 'of a', undone: 'of undone' });
  });

  it('have places from 1 on, each its own', () => {
    expect(nextCompletedOrder([step('a'), step('b')])).toBe(1);
    expect(nextCompletedOrder([done('a', 4), step('b'), done('c', 2)])).toBe(5);
  });
});
