import { executorFor, type Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import { z } from 'zod';
import type { ActionStep, TransactionStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate, type ServiceTemplate } from '../../src/provisioning/template.js';

/** The host's own table, which steps of its own write: a service's id, and what else it has: `<id>:closed`. */
export interface HostTables {
  host_ports: { id: string };
}

/** Makes {@link HostTables}. */
export async function createHostTables({ kysely }: Database): Promise<void> {
  await sql`create table host_ports (id varchar(64) primary key)`.execute(kysely);
}

/** What the outside was asked to do. */
export interface OutsideCall {
  phase: 'run' | 'undo';
  key: string;
  serviceId: string;
  idempotencyKey: string;
}

/**
 * A template that is set up by a step of every kind and worked on by shorter lists; the last step of setting up and of
 * changing the plan refuses when `config.fail` is set. `called` is the outside, `complete` what calls back from it.
 */
export function everyKind(
  database: Database,
  called: (call: OutsideCall) => void | Promise<void>,
  complete: (token: string) => Promise<unknown>,
): ServiceTemplate {
  const action = (key: string, more: Partial<ActionStep> = {}): ActionStep => ({
    key,
    run: ({ serviceId, idempotencyKey }) => called({ phase: 'run', key, serviceId, idempotencyKey }),
    compensate: ({ serviceId, idempotencyKey }) => called({ phase: 'undo', key, serviceId, idempotencyKey }),
    ...more,
  });
  const refusing = (key: string): ActionStep =>
    action(key, {
      retry: { attempts: 1 },
      async run({ serviceId, idempotencyKey, config }) {
        await called({ phase: 'run', key, serviceId, idempotencyKey });
        if ((config as { fail: boolean }).fail) throw new Error('refused');
      },
    });
  type Write = NonNullable<TransactionStep['compensateInTransaction']>;
  const added =
    (suffix = ''): Write =>
    async ({ trx, serviceId }) => {
      const id = `${serviceId}${suffix}`;
      await executorFor<HostTables>(database, trx).insertInto('host_ports').values({ id }).execute();
    };
  const removed =
    (suffix = ''): Write =>
    async ({ trx, serviceId }) => {
      const id = `${serviceId}${suffix}`;
      await executorFor<HostTables>(database, trx).deleteFrom('host_ports').where('id', '=', id).execute();
    };
  const row = (key: string, suffix?: string): TransactionStep => ({
    key,
    runInTransaction: added(suffix) as TransactionStep['runInTransaction'],
    compensateInTransaction: removed(suffix),
  });
  return defineServiceTemplate({
    name: 'every-kind',
    config: z.object({ fail: z.boolean().default(false) }),
    steps: [
      action('port'),
      row('row'),
      { key: 'boss', approval: {} },
      action('technician', {
        completion: {},
        async run({ serviceId, idempotencyKey, completionToken }) {
          await called({ phase: 'run', key: 'technician', serviceId, idempotencyKey });
          await complete(completionToken);
        },
      }),
      { key: 'pause', waitMs: 1 },
      refusing('account'),
    ],
    operations: {
      suspend: [action('shut'), row('closed', ':closed'), action('told')],
      resume: [
        action('open'),
        { key: 'unclosed', runInTransaction: removed(':closed') as TransactionStep['runInTransaction'] },
        action('told'),
      ],
      change_plan: [action('speed'), row('fast', ':fast'), refusing('tariff')],
    },
  });
}
