import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, textOf } from '../../../../test/support/documentation.js';

/** The members of an interface, by its source. */
function membersOf(file: string, name: string): string[] {
  const source = readFileSync(join(root, 'packages', file), 'utf8');
  const [, body = ''] = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n(.*?)^\\}`, 'ms').exec(source) ?? [];
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, member = '']) => member);
}

const options = [
  ['core', 'core/src/http/api.ts', 'ApiOptions'],
  ['health', 'health/src/options.ts', 'HealthOptions'],
  ['lifecycle', 'lifecycle/src/options.ts', 'LifecycleOptions'],
  ['maintenance', 'maintenance/src/options.ts', 'MaintenanceOptions'],
  ['maintenance', 'maintenance/src/policies/policy.ts', 'MaintenancePolicies'],
  ['operations', 'operations/src/operations.ts', 'OperationsOptions'],
] as const;

describe.each(options)('the README of %s', (name, file, type) => {
  it(`has every option of ${type} in a table`, () => {
    const rows = textOf(`packages/${name}/README.md`).match(/^\|[^|]+\|/gm) ?? [];
    const members = membersOf(file, type);
    expect(members.length).toBeGreaterThan(5);
    expect(members.filter((member) => !rows.some((row) => row.includes(`\`${member}\``)))).toEqual([]);
  });
});
