import { fromKysely } from '@dotmac/core/kysely';
import { defineErrors, type Clock } from '@dotmac/core';
import {
  createLifecycle,
  defineJourney,
  kyselyLifecycleStore,
  type Lifecycle,
  type SendVerification,
} from '@dotmac/lifecycle';
import type { Kysely, Transaction } from 'kysely';
import type { AppTables } from './database.js';
import { wakeupTable } from './wakeups.js';

/** What the application brings along. */
export interface CustomersInit {
  database: Kysely<AppTables>;
  sendVerification: SendVerification;
  secret: string;
  /** For tests. */
  clock?: Clock;
}

/** This application has one tenant. */
export const tenantId = 'main';

/** A customer that never verified its address is deleted after 14 days, and its user with it; who did stays. */
const neverVerified = defineJourney({
  name: 'never-verified',
  startsOn: ['customer.registered'],
  endsOn: ['customer.verified', 'customer.deleted'],
  steps: [{ key: 'give-up', afterDays: 14, command: 'delete', input: { reason: 'never verified' } }],
});

/**
 * A customer whose user was deleted does not come back: it is erased at once, and its address is free for who signs up with
 * it next. A journey waits for services that are taken down and for legal holds. Who never had a user may be restored.
 */
const erasure = defineJourney({
  name: 'erasure',
  startsOn: ['customer.deleted'],
  endsOn: ['customer.restored'],
  steps: [
    {
      key: 'erase',
      afterDays: 0,
      when: ({ externalId }) => externalId !== null,
      command: 'erase',
      input: { reference: 'user deleted' },
    },
  ],
});

const errors = defineErrors({
  USER_GONE: { kind: 'conflict', message: () => 'The user of this customer was deleted, and does not come back.' },
});

/**
 * The lifecycle of this application's users, on the application's own database. The table `users` stays the authority on
 * who there is: a customer carries the user's id, and is deleted and erased with it.
 */
export function createCustomers({ database, sendVerification, secret, clock }: CustomersInit): Lifecycle {
  return createLifecycle<Transaction<AppTables>>({
    store: kyselyLifecycleStore(fromKysely(database, 'postgres'), clock ? { clock } : {}),
    secret,
    sendVerification,
    // This application has a way of its own to wake work.
    waker: wakeupTable(database, clock),
    ...(clock && { clock }),
    journeys: [neverVerified, erasure],
    hooks: {
      // Whoever deletes a customer (its owner, staff, a journey): the user goes in the same transaction.
      'customer.delete': {
        inTransaction: async ({ state, trx }) => {
          if (state.externalId !== null) await trx.deleteFrom('users').where('id', '=', state.externalId).execute();
        },
      },
      // Staff may bring a deleted customer back that something keeps from being erased, but not its user.
      'customer.restore': {
        inTransaction: async ({ state: { externalId }, trx }) => {
          if (externalId === null) return;
          const user = await trx.selectFrom('users').select('id').where('id', '=', externalId).executeTakeFirst();
          if (!user) throw errors.USER_GONE({});
        },
      },
    },
  });
}
