import { executorFor, type Database } from '@dotmac/core/kysely';
import { z } from 'zod';
import type { ActionStep, TransactionStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate, type ServiceTemplate } from '../../src/provisioning/template.js';

/** The host's own table, which a step of its own writes. */
export interface HostTables {
  host_ports: { id: string };
}

/** What the outside was asked to do. */
export interface OutsideCall {
  phase: 'run' | 'undo';
  key: string;
  requestId: string;
  idempotencyKey: string;
}

/**
 * A template with a step of every kind, the last of which refuses when `config.fail` is set; `called` is the outside,
 * `complete` what calls back from it.
 */
export function everyKind(
  database: Database,
  called: (call: OutsideCall) => void | Promise<void>,
  complete: (token: string) => Promise<unknown>,
): ServiceTemplate {
  const action = (key: string, more: Partial<ActionStep> = {}): ActionStep => ({
    key,
    run: ({ requestId, idempotencyKey }) => called({ phase: 'run', key, requestId, idempotencyKey }),
    compensate: ({ requestId, idempotencyKey }) => called({ phase: 'undo', key, requestId, idempotencyKey }),
    ...more,
  });
  const row: TransactionStep = {
    key: 'row',
    async runInTransaction({ trx, requestId }) {
      await executorFor<HostTables>(database, trx).insertInto('host_ports').values({ id: requestId }).execute();
    },
    async compensateInTransaction({ trx, requestId }) {
      await executorFor<HostTables>(database, trx).deleteFrom('host_ports').where('id', '=', requestId).execute();
    },
  };
  return defineServiceTemplate({
    name: 'every-kind',
    config: z.object({ fail: z.boolean().default(false) }),
    steps: [
      action('port'),
      row,
      { key: 'boss', approval: {} },
      action('technician', {
        completion: {},
        async run({ requestId, idempotencyKey, completionToken }) {
          await called({ phase: 'run', key: 'technician', requestId, idempotencyKey });
          await complete(completionToken);
        },
      }),
      { key: 'pause', waitMs: 1 },
      action('account', {
        retry: { attempts: 1 },
        async run({ requestId, idempotencyKey, config }) {
          await called({ phase: 'run', key: 'account', requestId, idempotencyKey });
          if ((config as { fail: boolean }).fail) throw new Error('refused');
        },
      }),
    ],
  });
}
