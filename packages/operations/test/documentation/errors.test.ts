import { coreErrors, type ErrorFactory } from '@dotmac/core';
import { statusOf } from '@dotmac/core/contract';
import { healthErrors } from '@dotmac/health';
import { lifecycleErrors } from '@dotmac/lifecycle';
import { maintenanceErrors } from '@dotmac/maintenance';
import { expect, it } from 'vitest';
import { textOf } from '../../../../test/support/documentation.js';

it('docs/handle-errors.md has every code with its status, by its domain', () => {
  const [, ...sections] = textOf('docs/handle-errors.md').split(/^### /m);
  const listed = sections.map((section) =>
    [...section.matchAll(/^\| `([A-Z_]+)` +\| (\d+) /gm)].map(([, ...it]) => it),
  );
  const tables: Record<string, ErrorFactory>[] = [coreErrors, healthErrors, lifecycleErrors, maintenanceErrors];
  expect(listed).toEqual(
    tables.map((table) => Object.values(table).map(({ code, kind }) => [code, String(statusOf(kind))])),
  );
});
