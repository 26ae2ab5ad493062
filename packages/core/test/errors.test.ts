import { describe, expect, it } from 'vitest';
import { describeError } from '../src/errors/describe-error.js';

describe('what a log may say of an error', () => {
  it('has no credentials of an address in it', async () => {
    const error: unknown = await fetch('http://user:hunter2@127.0.0.1:1/').catch((thrown: unknown) => thrown);
    expect(describeError(error).error).toContain('//***@127.0.0.1');
    expect(JSON.stringify(describeError(error))).not.toContain('hunter2');
    expect(JSON.stringify(describeError('postgres://u:hunter2@db/x'))).not.toContain('hunter2');
  });

  it('has none of the properties that drivers put on it', () => {
    const error = Object.assign(new Error('Duplicate entry'), { code: 'ER_DUP_ENTRY', sql: "insert ('hunter2')" });
    const { stack, ...said } = describeError(error);
    expect(said).toEqual({ code: 'ER_DUP_ENTRY', error: 'Duplicate entry' });
    expect(stack).toContain('errors.test.ts');
  });

  it.each([Object.create(null), { toString: () => Symbol() as never }, new Proxy(new Error(), { get: boom })])(
    'is there for whatever was thrown',
    (thrown) => {
      expect(describeError(thrown)).toEqual({ code: 'UNKNOWN', error: 'a value that cannot be shown' });
    },
  );
});

function boom(): never {
  throw new Error('boom');
}
