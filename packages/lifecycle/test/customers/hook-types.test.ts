import type { Transaction } from 'kysely';
import { describe, expectTypeOf, it } from 'vitest';
import type { Customer } from '../../src/customers/customer.js';
import type { LifecycleSubscriber } from '../../src/deliver.js';
import type { LifecycleHooks } from '../../src/hooks.js';

type HostTrx = Transaction<{ host_users: { id: string } }>;

// What the compiler is asked here fails `npm run typecheck`.
describe('the types of what hooks and subscribers are told', () => {
  it('are those of the command that a hook is for', () => {
    const hooks: LifecycleHooks<HostTrx> = {
      'customer.suspend': {
        before: ({ input }) => void expectTypeOf(input).toHaveProperty('reason').toEqualTypeOf<string>(),
        inTransaction: ({ trx }) => void expectTypeOf(trx).toEqualTypeOf<HostTrx>(),
        afterCommit: ({ state }) => void expectTypeOf(state).toEqualTypeOf<Customer>(),
      },
      'customer.verify': { before: ({ input }) => void expectTypeOf(input).not.toHaveProperty('reason') },
      // @ts-expect-error What was done is done: nobody is asked before.
      'operation.fail': { before: () => undefined },
    };
    // @ts-expect-error There is no such command.
    const misspelt: LifecycleHooks = { 'customer.suspended': { before: () => undefined } };
    expectTypeOf([hooks, misspelt]).not.toBeAny();
  });

  it('are those of the events that somebody subscribes to', () => {
    const subscriber: LifecycleSubscriber<'customer.delivery_discarded'> = {
      name: 'discarded',
      events: ['customer.delivery_discarded'],
      deliver: ({ data }) => void expectTypeOf(data).toHaveProperty('eventType').toEqualTypeOf<string>(),
    };
    expectTypeOf(subscriber).not.toBeAny();
  });
});
