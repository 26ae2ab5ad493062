import { expect, it } from 'vitest';
import { openApiDocument } from '@dotmac/core/http';
import { lifecycleRoutes } from '../src/routes.js';

it('no route leaves its answer to the pipeline, which keeps it beside the work, and maybe after an erasure', () => {
  const keyed = lifecycleRoutes.filter(({ idempotent }) => idempotent);
  expect(keyed.length).toBeGreaterThan(20);
  expect(keyed.filter(({ idempotent }) => idempotent !== 'by its command').map(({ name }) => name)).toEqual([]);
});

it('the routes are those of the contract, in wire names', () => {
  const { paths } = openApiDocument(lifecycleRoutes);
  const at = '/customer-lifecycle/customers/{id}';
  expect(Object.keys(paths ?? {}).sort()).toEqual(
    [
      '/customer-lifecycle/register',
      '/customer-lifecycle/register/dry-run',
      ...[
        'consistency-check',
        'customers',
        'drift-check',
        'events',
        'feed',
        'figures',
        'parked-deliveries',
        'parked-deliveries/{id}',
        'parked-deliveries/{id}/retry',
        'verification',
        'verify',
      ].map((name) => `/customer-lifecycle/${name}`),
      at,
      ...[
        'approve',
        'commands',
        'deactivate',
        'delete',
        'dry-run',
        'dunning',
        'dunning/overdue',
        'dunning/paid',
        'end-promise',
        'erase',
        'events',
        'export',
        'legal-holds',
        'legal-holds/{name}',
        'link',
        'mark-churning',
        'onboard',
        'promise',
        'reactivate',
        'record',
        'reject',
        'replay',
        'restore',
        'services',
        'state',
        'summary',
        'suspend',
        'timers',
        'timers/{name}',
        'verification',
        'verify',
        'win-back',
      ].map((name) => `${at}/${name}`),
      '/customer-lifecycle/provisioning',
      '/customer-lifecycle/provisioning/completions',
      '/customer-lifecycle/provisioning/{id}',
      ...['cancel', 'commands', 'decisions', 'events', 'force', 'retry', 'skip'].map(
        (name) => `/customer-lifecycle/provisioning/{id}/${name}`,
      ),
      '/customer-lifecycle/import',
      '/customer-lifecycle/bulk-operations',
      '/customer-lifecycle/bulk-operations/customers',
      '/customer-lifecycle/bulk-operations/{id}',
      ...['cancel', 'failures', 'run'].map((name) => `/customer-lifecycle/bulk-operations/{id}/${name}`),
      '/customer-lifecycle/webhooks',
      '/customer-lifecycle/webhooks/{id}',
      ...['deliveries', 'replay', 'test'].map((name) => `/customer-lifecycle/webhooks/{id}/${name}`),
      '/customer-lifecycle/webhook-deliveries/{id}',
      '/customer-lifecycle/webhook-deliveries/{id}/replay',
      '/customer-lifecycle/services',
      '/customer-lifecycle/services/{id}',
      ...[
        'change-plan',
        'drift',
        'dry-run',
        'end-promise',
        'promise',
        'record',
        'resume',
        'runs',
        'suspend',
        'terminate',
      ].map((name) => `/customer-lifecycle/services/{id}/${name}`),
    ].sort(),
  );
  const text = JSON.stringify(paths);
  for (const name of ['next_actions', 'lifecycle_stage'])
    expect(JSON.stringify(openApiDocument(lifecycleRoutes))).toContain(name);
  expect(text).not.toMatch(/"[a-z]+[A-Z][a-zA-Z]*":\{"type"/);
});
