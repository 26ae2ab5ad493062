import { wireOf } from '@dotmac/core/contract';
import { expect, it } from 'vitest';
import { bulkInput } from '../../src/bulk/operation.js';
import { timerInput } from '../../src/timers/view.js';

const given = [
  ['bulk operations', bulkInput, { filter: {} }],
  ['timers', timerInput, { name: 'later', due_at: '2030-01-01T00:00:00Z' }],
] as const;

it.each(given)('of a command in %s are answered by the fields of that command', (_, schema, rest) => {
  const said = (command: string): string | undefined => {
    const parsed = wireOf(schema).parse({ ...rest, command, input: { cause: 'they moved' } });
    return parsed.ok ? undefined : parsed.issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  };
  expect(['suspend', 'deactivate', 'approve'].map(said)).toEqual([
    'input.cause: There is no such field; there are: action_type, reason, parameters, severity',
    'input.cause: There is no such field; there are: reason',
    'input.cause: There is no such field',
  ]);
});

it.each(given)('of what is no command in %s are answered by the fields of all', (_, schema, rest) => {
  for (const command of [{ toString: 1, valueOf: 1 }, ['suspend'], 5, null, 'toString']) {
    const parsed = wireOf(schema).parse({ ...rest, command, input: { cause: 'they moved' } });
    const said = parsed.ok ? {} : Object.fromEntries(parsed.issues.map(({ path, message }) => [path, message]));
    expect(said).toEqual({
      'input.cause': expect.stringContaining('onboarding_data, reference'),
      command: expect.stringContaining('Must be one of'),
    });
  }
});

it('says of every command that many can be given what it takes', () => {
  for (const command of bulkInput.shape.command.options) {
    const parsed = wireOf(bulkInput).parse({ command, filter: {}, input: { cause: 1 } });
    // All of them together are told where a command is missing in the table.
    expect(parsed, command).not.toMatchObject({
      issues: [{ message: expect.stringContaining('onboarding_data, reference') }],
    });
  }
});
