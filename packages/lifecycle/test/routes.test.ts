import { expect, it } from 'vitest';
import { openApiDocument } from '@dotmac/core/http';
import { lifecycleRoutes } from '../src/routes.js';

it('the routes are those of the contract, in wire names', () => {
  const { paths } = openApiDocument(lifecycleRoutes);
  const at = '/customer-lifecycle/customers/{id}';
  expect(Object.keys(paths ?? {}).sort()).toEqual(
    [
      '/customer-lifecycle/register',
      at,
      ...['approve', 'onboard', 'reactivate', 'reject', 'services', 'summary', 'suspend', 'verification', 'verify'].map(
        (name) => `${at}/${name}`,
      ),
      '/customer-lifecycle/provisioning/{id}',
    ].sort(),
  );
  const text = JSON.stringify(paths);
  for (const name of ['next_actions', 'lifecycle_stage'])
    expect(JSON.stringify(openApiDocument(lifecycleRoutes))).toContain(name);
  expect(text).not.toMatch(/"[a-z]+[A-Z][a-zA-Z]*":\{"type"/);
});
