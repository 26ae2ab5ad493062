import { fromKysely } from '@dotmac/core/kysely';
import type { Clock } from '@dotmac/core';
import { createLifecycle, kyselyLifecycleStore, type Lifecycle, type SendVerification } from '@dotmac/lifecycle';
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

/**
 * The lifecycle of this application's users, on the application's own database. The table `users` stays the authority on
 * who there is: a customer carries the user's id, and neither is there without the other.
 */
export function createCustomers({ database, sendVerification, secret, clock }: CustomersInit): Lifecycle {
  return createLifecycle<Transaction<AppTables>>({
    store: kyselyLifecycleStore(fromKysely(database, 'postgres'), clock ? { clock } : {}),
    secret,
    sendVerification,
    // This application has a way of its own to wake work.
    waker: wakeupTable(database, clock),
    ...(clock && { clock }),
    hooks: {
      // Whoever deletes a customer (its owner, staff, a timer): the user goes in the same transaction.
      'customer.delete': {
        inTransaction: async ({ state, trx }) => {
          if (state.externalId !== null) await trx.deleteFrom('users').where('id', '=', state.externalId).execute();
        },
      },
    },
  });
}
