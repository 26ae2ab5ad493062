import { describe, expect, it } from 'vitest';
import { failed, judge } from '../../src/probes/judge.js';
import { CannotCheck, Unreachable, WrongAnswer } from '../../src/index.js';

describe('what a check says', () => {
  const long = `first\nsecond\u0000third ${'漢'.repeat(50_000)}`;
  const expected = { expectedResponseTimeMs: 1_000, conditions: [] };

  it.each([
    ['that went well', judge({ responseTimeMs: 1, message: long }, expected)],
    ['that is one to worry about', judge({ responseTimeMs: 1, message: 'It is well', degraded: long }, expected)],
    ['with a wrong answer', failed(new WrongAnswer(long))],
    ['that got no answer', failed(new Unreachable(long))],
    ['that could not be made', failed(new CannotCheck(long))],
  ])('%s is a line that every store keeps', (_, { message }) => {
    expect(message).toMatch(/^first second third 漢+…$/);
    expect(message).toHaveLength(400);
  });

  it('is cut between characters, and is as it was said when it is short', () => {
    const { message } = failed(new WrongAnswer('😀'.repeat(300)));
    expect(message).toBe(`${'😀'.repeat(199)}…`);
    expect(failed(new WrongAnswer('It says no')).message).toBe('It says no');
  });
});
