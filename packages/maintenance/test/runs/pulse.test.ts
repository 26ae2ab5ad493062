import { expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { createPulse } from '../../src/runs/pulse.js';

it('keeps a target done that is counted once more after it was done', () => {
  const pulse = createPulse(fakeClock(), {});
  pulse.begin('rows', { planned: 10, toSee: null });
  pulse.count('rows', { cleaned: 4, cursor: 'row 4' });
  expect(pulse.read().cursors).toEqual({ rows: { cursor: 'row 4' } });
  pulse.done('rows');
  pulse.count('rows', { cleaned: 6, cursor: 'row 10' });
  expect(pulse.read()).toMatchObject({ itemsCleaned: 10, cursors: { rows: { done: true } } });
});

it('begins where the run left off that it resumes, target by target', () => {
  const pulse = createPulse(fakeClock(), { rows: { done: true }, files: { cursor: 'b' } });
  pulse.count('files', { cleaned: 1, cursor: 'c' });
  expect(pulse.read().cursors).toEqual({ rows: { done: true }, files: { cursor: 'c' } });
});

it('counts what went as looked at, unless it was looked at before', () => {
  const pulse = createPulse(fakeClock(), {});
  pulse.begin('files', { planned: 10, toSee: null }, 2);
  pulse.count('files', { cleaned: 4 });
  pulse.count('files', { seen: 0, cleaned: 3 });
  pulse.count('files', { seen: 5, cleaned: 1 });
  const { itemsProcessed, itemsCleaned, progress } = pulse.read();
  expect([itemsProcessed, itemsCleaned, progress?.seen]).toEqual([11, 8, 11]);
});
