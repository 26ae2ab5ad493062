import { z } from 'zod';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isOperationError } from '@dotmac/core';
import type { BulkDraft } from '../../src/bulk/operation.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const [inMemory] = backends;
const day = 86_400_000;
const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({ mbit: z.int() }),
  steps: [{ key: 'port', run: () => ({}) }],
  operations: { deprovision: [{ key: 'gone', run: () => ({}) }] },
});

let backend: Backend;
let run: Rig;
beforeEach(async () => {
  backend = await (inMemory?.create() as Promise<Backend>);
  // With a hook, nothing is decided for many at once.
  run = await rig(backend, { templates: [template], hooks: { 'customer.deactivate': { before: () => undefined } } });
});
afterEach(async () => {
  await run.stop();
  await backend.close();
});

it.each<[BulkDraft['command'], (now: number) => BulkDraft['input'], string, string]>([
  ['suspend', () => ({ actionType: '!' }), 'INVALID_INPUT', 'input.action_type'],
  ['promise', () => ({ actionType: 'late' }), 'INVALID_INPUT', 'input.until'],
  ['promise', (now) => ({ until: now + day }), 'INVALID_INPUT', 'input.action_type'],
  ['promise', (now) => ({ actionType: 'late', until: now - 1 }), 'INVALID_INPUT', 'input.until'],
  ['promise', (now) => ({ actionType: 'late', until: now + 91 * day }), 'INVALID_INPUT', 'input.until'],
  [
    'startOnboarding',
    () => ({ onboardingData: { notes: 'x'.repeat(70_000) } }),
    'INVALID_INPUT',
    'input.onboarding_data',
  ],
  ['deactivate', () => ({ reason: 'x'.repeat(3_000) }), 'INVALID_INPUT', 'input.reason'],
  ['restore', () => ({ reason: 'x'.repeat(3_000) }), 'INVALID_INPUT', 'input.reason'],
  ['requestService', () => ({ customConfig: { mbit: 50 } }), 'INVALID_INPUT', 'input.service_name'],
  ['requestService', () => ({ serviceName: 'tv' }), 'SERVICE_TEMPLATE_NOT_FOUND', 'service_name'],
  [
    'requestService',
    () => ({ serviceName: 'internet', customConfig: { mbit: 'many' } }),
    'INVALID_SERVICE_CONFIG',
    'custom_config.mbit',
  ],
])('%s for many is refused at once when nobody could take what it is given: %s', async (command, given, code, path) => {
  const input = given(run.clock.now());
  const refusal = await run.acme.bulk.start({ command, input, filter: {} }).catch((error: unknown) => error);
  const { issues } = isOperationError(refusal, code) ? refusal : { issues: refusal };
  expect(issues).toMatchObject([{ path }]);
  expect((await run.acme.bulk.operations()).items).toEqual([]);
});

it.each<[BulkDraft['command'], (now: number) => BulkDraft['input']]>([
  ['promise', (now) => ({ actionType: 'late', until: now + day })],
  ['startOnboarding', () => ({})],
  ['requestService', () => ({ serviceName: 'internet', customConfig: { mbit: 50 } })],
  ['approve', () => undefined],
])('%s for many is begun with what somebody could take', async (command, given) => {
  await crowd(backend.store, 2);
  const { id } = await run.acme.bulk.start({ command, input: given(run.clock.now()), filter: {} });
  await until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock);
  expect(await run.acme.bulk.get(id)).toMatchObject({ total: 2, processed: 2 });
});
