import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { channelOf, ruleOf, windowOf } from './alerts.js';
import { bulkOf } from './bulk.js';
import { assertProblem, assertStatus, eventually, type Client } from './client.js';
import { active } from './customer-lifecycle.js';
import { incidentOf } from './incidents.js';
import { objectiveOf } from './objectives.js';
import { scheduleOf } from './schedules.js';
import { provisioned } from './services.js';
import { statusFeedOf } from './status-feeds.js';
import type { ContractSubject } from './subject.js';
import { deliveryOf, webhookOf } from './webhooks.js';

interface Operation {
  method: string;
  path: string;
}

/** What anybody may call, who knows the token in its path or body. A route that is open and not named here fails. */
const open = [
  '/network-monitoring/heartbeats/{token}',
  '/network-monitoring/heartbeats/{token}/{signal}',
  '/public/status/{token}',
  '/customer-lifecycle/verify',
  '/customer-lifecycle/provisioning/completions',
  '/public/status/{token}/badge.svg',
];

/** Every route of the served document: a route that is added is covered at once, or fails here. */
async function documented({ anonymous }: ContractSubject): Promise<Operation[]> {
  const { paths } = assertStatus(await anonymous.get('/openapi.json'), 200).body as {
    paths: Record<string, Record<string, { security?: unknown[] }>>;
  };
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, { security }]) => {
      if (security?.length !== 0) return [{ method: method.toUpperCase(), path }];
      assert.ok(open.includes(path), `${path} is open to anybody`);
      return [];
    }),
  );
  assert.ok(operations.length >= 20, `only ${operations.length} routes are documented`);
  return operations;
}

const nowhere = '0199c0de-0000-7000-8000-000000000000';
/** Ids that nobody made; some are more than a database can look for. */
const strange = [nowhere, '%00', '%F0%9F%90%99', 'a%20b', '%C3%BC', "'%20or%201=1", 'x'.repeat(64)];
const ask = (client: Client, { method, path }: Operation, id = nowhere, body: object = {}) =>
  client.call(
    method,
    path.replace('{id}', id).replace('{name}', 'any'),
    method === 'GET' || method === 'DELETE' ? undefined : body,
  );

/** How to make the thing that a path's `{id}` names. A path with an id that is none of these fails the matrix. */
const owned: { prefix: string; make(subject: ContractSubject): Promise<string> }[] = [
  {
    prefix: '/network-monitoring/endpoints/{id}',
    make: async ({ client }) =>
      (
        await client.post('/network-monitoring/endpoints', {
          name: 'mine',
          host: '127.0.0.1',
          port: 9,
          service_type: 'tcp',
        })
      ).body.id,
  },
  { prefix: '/network-monitoring/incidents/{id}', make: async ({ client }) => (await incidentOf(client)).id },
  { prefix: '/network-monitoring/channels/{id}', make: ({ client }) => channelOf(client) },
  { prefix: '/network-monitoring/alert-rules/{id}', make: ({ client }) => ruleOf(client) },
  { prefix: '/network-monitoring/maintenance-windows/{id}', make: ({ client }) => windowOf(client) },
  { prefix: '/network-monitoring/objectives/{id}', make: ({ client }) => objectiveOf(client) },
  { prefix: '/network-monitoring/status-feeds/{id}', make: async ({ client }) => (await statusFeedOf(client)).id },
  // A message is given up after two hours: the outbox's own suite holds tenants apart.
  { prefix: '/network-monitoring/undelivered-messages/{id}', make: () => Promise.resolve(nowhere) },
  // Given up after many attempts: the service's own tests hold tenants apart.
  { prefix: '/customer-lifecycle/parked-deliveries/{id}', make: () => Promise.resolve(nowhere) },
  { prefix: '/customer-lifecycle/customers/{id}', make: (subject) => active(subject) },
  {
    prefix: '/customer-lifecycle/services/{id}',
    async make(subject) {
      const id = await active(subject, { username: 'served', email: 'served@example.com' });
      return (await provisioned(subject, id)).id;
    },
  },
  {
    prefix: '/customer-lifecycle/provisioning/{id}',
    async make(subject) {
      const id = await active(subject, { username: 'provisioned', email: 'provisioned@example.com' });
      return (await provisioned(subject, id)).id;
    },
  },
  {
    prefix: '/customer-lifecycle/bulk-operations/{id}',
    async make({ client }) {
      const id = await bulkOf(client);
      await eventually(
        () => client.get(`/customer-lifecycle/bulk-operations/${id}`),
        ({ body }) => body.status === 'completed',
      );
      return id;
    },
  },
  { prefix: '/customer-lifecycle/webhooks/{id}', make: ({ client }) => webhookOf(client) },
  { prefix: '/customer-lifecycle/webhook-deliveries/{id}', make: (subject) => deliveryOf(subject) },
  {
    prefix: '/infrastructure-maintenance/plans/{id}',
    make: async ({ client }) =>
      (await client.post('/infrastructure-maintenance/plans', { maintenance_type: 'database_cleanup' })).body.id,
  },
  { prefix: '/infrastructure-maintenance/schedules/{id}', make: ({ client }) => scheduleOf(client) },
  {
    prefix: '/infrastructure-maintenance/runs/{id}',
    make: async ({ client }) =>
      (await client.post('/infrastructure-maintenance/performance/optimize', {})).body.task_id,
  },
];

/** Bodies that would succeed for the owner, by the path, or its last word. */
const bodies: Record<string, object> = {
  verify: { verification_token: 'x'.repeat(32), verification_type: 'email' },
  verification: { channel: 'email' },
  comments: { text: 'It is the fuse' },
  suspend: { action_type: 'suspend' },
  reactivate: { action_type: 'reactivate' },
  services: { service_name: 'internet-100' },
  promise: { action_type: 'suspend', until: new Date(Date.now() + 86_400_000).toISOString() },
  timers: { name: 'any', command: 'suspend', due_at: '2099-01-01T00:00:00Z' },
  'dry-run': { command: 'suspend', input: { action_type: 'suspend' } },
  '/customer-lifecycle/services/{id}/resume': { action_type: 'all' },
  link: { external_id: 'any' },
  '/customer-lifecycle/customers/{id}/replay': { hook: 'customer.suspend' },
  '/customer-lifecycle/webhooks/{id}/replay': { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' },
  overdue: { invoice_id: '1' },
  decisions: { step: 'any', decision: 'approve' },
  force: { outcome: 'failed' },
  'legal-holds': { name: 'any' },
};
const bodyFor = ({ path }: Operation): object => bodies[path] ?? bodies[path.split('/').at(-1) ?? ''] ?? {};

/** Where its owner sees a thing whole, to see that nobody changed it; the thing's own path where it has one. */
const views: Record<string, string> = {
  '/network-monitoring/undelivered-messages/{id}': '/network-monitoring/undelivered-messages',
  '/customer-lifecycle/parked-deliveries/{id}': '/customer-lifecycle/parked-deliveries',
  '/customer-lifecycle/customers/{id}': '/customer-lifecycle/customers/{id}/summary',
};

/** Who may do what: generated from the document, so that no route is forgotten. */
export const access: Suite<ContractSubject> = {
  name: 'access',
  cases: [
    {
      name: 'answers 401 on every route without credentials',
      async run(subject) {
        for (const operation of await documented(subject))
          assertProblem(await ask(subject.anonymous, operation), 401, 'UNAUTHENTICATED');
      },
    },
    {
      name: 'answers 403 on every route without its permission',
      async run(subject) {
        for (const operation of await documented(subject))
          assertProblem(await ask(subject.powerless, operation), 403, 'PERMISSION_DENIED');
      },
    },
    {
      name: 'answers 404 for an id that does not exist',
      async run(subject) {
        for (const operation of (await documented(subject)).filter(({ path }) => path.includes('{id}')))
          await Promise.all(
            strange.map(async (id) => assertProblem(await ask(subject.client, operation, id, bodyFor(operation)), 404)),
          );
      },
    },
    {
      name: 'answers 404 for another tenant’s id on every route that takes one, and changes nothing',
      async run(subject) {
        const operations = (await documented(subject)).filter(({ path }) => path.includes('{id}'));
        const things = new Map(
          await Promise.all(owned.map(async ({ prefix, make }) => [prefix, await make(subject)] as const)),
        );
        const look = async () =>
          Promise.all(
            [...things].map(async ([prefix, id]) => {
              const path = (views[prefix] ?? prefix).replace('{id}', id);
              // A check of the monitor may come in between, and what it does about an incident.
              const {
                last_check: _,
                last_status: __,
                updated_at: ___,
                timeline,
                ...body
              } = assertStatus(await subject.client.get(path), 200).body;
              const told = (timeline as { actor: string }[] | undefined)?.filter(({ actor }) => actor !== 'system');
              return { ...body, told };
            }),
          );
        const before = await look();
        for (const operation of operations) {
          const prefix = [...things.keys()].find((it) => operation.path === it || operation.path.startsWith(`${it}/`));
          assert.ok(prefix, `the tenant matrix does not know ${operation.path}`);
          const answer = await ask(subject.stranger, operation, things.get(prefix), bodyFor(operation));
          assertProblem(answer, 404);
          const missing = await ask(subject.stranger, operation, nowhere, bodyFor(operation));
          assert.equal(answer.body.code, missing.body.code, 'another tenant’s id looks different from none');
        }
        assert.deepEqual(await look(), before);
      },
    },
  ],
};
