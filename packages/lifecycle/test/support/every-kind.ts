import { executorFor, type Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import { z } from 'zod';
import type { LifecycleHooks } from '../../src/hooks.js';
import type { ActionStep, ServiceStep, TransactionStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate, type ServiceTemplate } from '../../src/provisioning/template.js';

/** The host's own table, which steps and hooks of its own write: a service's id, and what else it has: `<id>:closed`. */
export interface HostTables {
  host_ports: { id: string };
}

/** The ports of a service that the host has, in their order. */
export async function portsOf(database: Database, serviceId: string): Promise<string[]> {
  const found = await database
    .withTables<HostTables>()
    .selectFrom('host_ports')
    .select('id')
    .where('id', 'like', `${serviceId}%`)
    .orderBy('id')
    .execute();
  return found.map(({ id }) => id);
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

/** Who is outside of the host. */
export interface Outside {
  called: (call: OutsideCall) => void | Promise<void>;
  /** Calls back. */
  complete: (token: string) => Promise<unknown>;
  /** Has a run cancelled while a step of it is under way. */
  cancel?: (requestId: string) => Promise<unknown>;
  /** Was this asked of it? */
  knows?: (idempotencyKey: string) => boolean;
}

/** The steps that templates are made of. */
function kindsOf(database: Database, { called, complete, cancel }: Outside) {
  const action = (key: string, more: Partial<ActionStep> = {}): ActionStep => ({
    key,
    run: ({ serviceId, idempotencyKey }) => called({ phase: 'run', key, serviceId, idempotencyKey }),
    compensate: ({ serviceId, idempotencyKey }) => called({ phase: 'undo', key, serviceId, idempotencyKey }),
    ...more,
  });
  const refusing = (key: string, wish: 'cancel' | 'keep' = 'cancel'): ActionStep =>
    action(key, {
      retry: { attempts: 1 },
      async run({ serviceId, requestId, idempotencyKey, config, signal }) {
        await called({ phase: 'run', key, serviceId, idempotencyKey });
        const asked = config as z.output<typeof wishes>;
        if (asked.fail) throw new Error('refused');
        if (!asked[wish]) return;
        const isCutShort = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        await cancel?.(requestId);
        await isCutShort;
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
  const calledOff = (key: string): ActionStep =>
    action(key, {
      async run({ serviceId, requestId, idempotencyKey, config, signal }) {
        await called({ phase: 'run', key, serviceId, idempotencyKey });
        if (!(config as z.output<typeof wishes>).callOff) return;
        const isCutShort = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        await cancel?.(requestId);
        await isCutShort;
      },
    });
  const technician = action('technician', {
    completion: {},
    async run({ serviceId, idempotencyKey, completionToken }) {
      await called({ phase: 'run', key: 'technician', serviceId, idempotencyKey });
      await complete(completionToken);
    },
  });
  const setUp: ServiceStep[] = [
    action('port'),
    row('row'),
    { key: 'boss', approval: {} },
    technician,
    { key: 'pause', waitMs: 1 },
    refusing('account'),
  ];
  return { action, refusing, calledOff, technician, setUp, row, added, removed };
}

/** What a step is to come to. */
const wishes = z.object({
  fail: z.boolean().default(false),
  cancel: z.boolean().default(false),
  callOff: z.boolean().default(false),
  keep: z.boolean().default(false),
});

/**
 * A template that is set up by a step of every kind and worked on by shorter lists; the last step of setting up and of
 * changing the plan refuses when `config.fail` is set, and is cancelled while it is under way when `config.cancel` is. With
 * `config.callOff` so is the last step of suspending.
 */
export function everyKind(database: Database, outside: Outside): ServiceTemplate {
  const { action, refusing, calledOff, setUp, row, removed } = kindsOf(database, outside);
  return defineServiceTemplate({
    name: 'every-kind',
    config: wishes,
    steps: setUp,
    operations: {
      suspend: [action('shut'), row('closed', ':closed'), calledOff('told')],
      throttle: [action('slow'), row('slowed', ':slow'), action('told')],
      resume: [
        action('open'),
        { key: 'unclosed', runInTransaction: removed(':closed') as TransactionStep['runInTransaction'] },
        action('told'),
      ],
      change_plan: [action('speed', { compensationRetry: { attempts: 1 } }), row('fast', ':fast'), refusing('tariff')],
    },
  });
}

/**
 * The same, taken down by a step of every kind, each of which can be put back; the last one is cancelled while it is under
 * way when `config.keep` is set.
 */
function retrievable(database: Database, outside: Outside): ServiceTemplate {
  const { action, refusing, technician, setUp, added, removed } = kindsOf(database, outside);
  const unrow: TransactionStep = {
    key: 'unrow',
    runInTransaction: removed() as TransactionStep['runInTransaction'],
    compensateInTransaction: added(),
  };
  const boss: ServiceStep = { key: 'boss', approval: {} };
  const pause: ServiceStep = { key: 'pause', waitMs: 1 };
  return defineServiceTemplate({
    name: 'retrievable',
    config: wishes,
    steps: setUp,
    operations: { deprovision: [action('close'), unrow, boss, technician, pause, refusing('erase', 'keep')] },
  });
}

/** Templates that several have to agree on: two people, or the outside, which is asked what it knows. */
function agreedOn(database: Database, outside: Outside): ServiceTemplate[] {
  const { action, row } = kindsOf(database, outside);
  const known = (key: string): ActionStep =>
    action(key, {
      reconcile: ({ idempotencyKey }) =>
        outside.knows?.(idempotencyKey) ? { done: true, output: key } : { done: false },
    });
  const boss = { key: 'boss', approval: { quorum: 2 } };
  return [
    { name: 'approved by two', steps: [action('port'), row('row'), boss, action('account')] },
    { name: 'reconciled', steps: [known('line'), row('row'), known('account')] },
  ].map(({ name, steps }) => defineServiceTemplate({ name, config: wishes, steps }));
}

/** Templates that wait for somebody who never comes. */
function leftAlone(database: Database, outside: Outside): ServiceTemplate[] {
  const { action, row } = kindsOf(database, outside);
  const waiting = [
    { name: 'unapproved', step: { key: 'boss', approval: { expiresInMs: 1 } } },
    { name: 'unanswered', step: action('technician', { completion: { timeoutMs: 1 } }) },
  ];
  return waiting.map(({ name, step }) =>
    defineServiceTemplate({ name, config: wishes, steps: [action('port'), row('row'), step, action('account')] }),
  );
}

/** Every template that there is. */
export function allTemplates(database: Database, outside: Outside): ServiceTemplate[] {
  const given = [database, outside] as const;
  return [everyKind(...given), retrievable(...given), ...leftAlone(...given), ...agreedOn(...given)];
}

/** The host takes part in operations: it is asked first, and writes a row of its own with the end. */
export function hostHooks(database: Database, { called }: Outside): LifecycleHooks {
  const part: NonNullable<LifecycleHooks['operation.suspend']> = {
    before: ({ input: { serviceId, requestId } }) =>
      called({ phase: 'run', key: 'asked', serviceId, idempotencyKey: `${requestId}:asked` }),
    async inTransaction({ input: { serviceId }, trx }) {
      const id = `${serviceId}:agreed`;
      await executorFor<HostTables>(database, trx).insertInto('host_ports').values({ id }).execute();
    },
  };
  return {
    'operation.provision': part,
    'operation.suspend': part,
    'operation.change_plan': part,
    'operation.deprovision': part,
  };
}
