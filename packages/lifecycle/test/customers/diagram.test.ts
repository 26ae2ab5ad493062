import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { transitionDiagram } from '../../src/customers/diagram.js';

it('the diagram in the docs is that of the table', () => {
  const page = readFileSync(new URL('../../../../docs/register-a-customer.md', import.meta.url), 'utf8');
  const [, drawn] = /```mermaid\n([\s\S]*?)```/.exec(page) ?? [];
  expect(drawn).toBe(transitionDiagram());
});
