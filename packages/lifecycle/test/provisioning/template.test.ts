import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';

const of = (...steps: ServiceStep[]) => defineServiceTemplate({ name: 'internet', config: z.object({}), steps });
const run = () => undefined;

describe('a service template', () => {
  it.each<[what: string, steps: ServiceStep[], reason: string]>([
    ['without steps', [], 'at least one step'],
    ['with a key that no URL takes', [{ key: 'a port', run }], 'a step key is'],
    [
      'with two steps of one key',
      [
        { key: 'port', run },
        { key: 'port', waitMs: 1 },
      ],
      'a key of its own',
    ],
    ['with a step of no kind', [{ key: 'port' } as ServiceStep], 'exactly one of'],
    ['with a step of two kinds', [{ key: 'port', run, waitMs: 1 } as ServiceStep], 'exactly one of'],
    ['approved by nobody', [{ key: 'boss', approval: { quorum: 0 } }], 'boss cannot have this approval.quorum'],
    ['approved by half of a person', [{ key: 'boss', approval: { quorum: 0.5 } }], 'approval.quorum'],
    ['whose approval never expires', [{ key: 'boss', approval: { expiresInMs: Infinity } }], 'approval.expiresInMs'],
    ['that waits for ever', [{ key: 'rest', waitMs: Infinity }], 'waitMs: must be a time in ms'],
    ['that waits until after the year 9999', [{ key: 'rest', waitMs: 1e17 }], 'waitMs'],
    ['whose approval lasts as long', [{ key: 'boss', approval: { expiresInMs: 1e17 } }], 'approval.expiresInMs'],
    ['that waits for less than nothing', [{ key: 'rest', waitMs: -1 }], 'waitMs'],
    ['whose step has no time', [{ key: 'port', run, timeoutMs: 0 }], 'timeoutMs'],
    ['whose step is never tried', [{ key: 'port', run, retry: { attempts: 0 } }], 'retry.attempts'],
    ['whose answer has no time', [{ key: 'port', run, completion: { timeoutMs: NaN } }], 'completion.timeoutMs'],
  ])('%s is refused', (_, steps, reason) => {
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining(reason) as string };
    expect(() => of(...steps)).toThrow(expect.objectContaining(refused));
  });

  it.each(['all', 'suspend', 'suspension', 'reactivate', 'reactivation', '', 'not paid', '1st', 'x'.repeat(51)])(
    'that is exempt from %j, for which nobody is ever suspended, is refused',
    (reason) => {
      const refused = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/exemptFrom: .*reason/) as string };
      const define = (...exemptFrom: string[]) =>
        defineServiceTemplate({ name: 'internet', config: z.object({}), steps: [{ key: 'port', run }], exemptFrom });
      expect(() => define('non_payment', reason)).toThrow(expect.objectContaining(refused));
      expect(define('general', 'non_payment').exemptFrom).toEqual(['general', 'non_payment']);
    },
  );

  it('is taken down within the limits of its steps', () => {
    const template = of(
      { key: 'port', run, compensate: run, timeoutMs: 1_000, compensationRetry: { attempts: 2 } },
      { key: 'row', runInTransaction: run, compensateInTransaction: run, timeoutMs: 2_000 },
    );
    expect(template.stepsOf('deprovision')).toMatchObject([
      { key: 'row', timeoutMs: 2_000, retry: { attempts: 5 } },
      { key: 'port', timeoutMs: 1_000, retry: { attempts: 2 } },
    ]);
  });
});
