import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLong } from '../../../../test/support/length.js';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import { fold, foldedRow } from '../../src/customers/fold.js';
import { backends } from '../support/backends.js';
import { calls, checklist, perform, predict, registered, type Call } from '../support/customer-model.js';
import { rig, someone } from '../support/lifecycle.js';

/** Sequences that get somewhere: most begin by becoming active, so that what comes after is tried as well. */
const sequences = fc
  .tuple(fc.boolean(), fc.array(fc.constantFrom(...calls), { maxLength: 25 }))
  .map(([hasBegun, rest]): Call[] => (hasBegun ? ['approve', 'verify', 'onboard', ...rest] : rest));

/** Through the rare ones for certain. */
const everyWay: Call[] = [
  ...(['approve', 'verify', 'onboard', 'throttle a', 'suspend a', 'promise a', 'endPromise a'] as const),
  ...(['deactivate', 'delete', 'restore', 'winBack', 'onboard', 'reactivate a', 'markChurning', 'winBack'] as const),
  ...(['deactivate', 'erase', 'restore', 'erase'] as const),
];
/** Everything is paid while nobody is served, and whoever comes back is served. */
const paidTooLate: Call[] = [
  ...(['verify', 'onboard', 'throttle a', 'owe', 'markChurning', 'pay', 'winBack', 'suspend a', 'owe'] as const),
  ...(['deactivate', 'pay', 'winBack', 'onboard', 'suspend a', 'promise a', 'markChurning', 'endPromise a'] as const),
];

/** Whoever was deleted before the address was verified verifies it later; whoever nobody let in does not. */
const backBeforeVerified: Call[] = ['delete', 'restore', 'winBack', 'verify', 'verify', 'winBack', 'onboard'];

/** What is missing of the checklist keeps a customer in onboarding; what was given before it left counts. */
const bitByBit: Call[] = [
  ...([
    'begin',
    'verify',
    'begin',
    'tell',
    'begin',
    'deactivate',
    'tell',
    'winBack',
    'tell',
    'onboard',
    'begin',
  ] as const),
  ...(['deactivate', 'winBack', 'begin', 'tell'] as const),
];

/** Sequences on each store: a database takes its time. */
const runsOn = (title: string): number => (title === 'memory' || isLong ? 150 : 25);

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`customers on ${title}`, () => {
    it('random sequences of commands come to what the reference model says, and leave a row that is the fold of its events', async () => {
      const backend = await create();
      const { store, clock } = backend;
      const dunning = defineDunningPolicy({
        name: 'patient',
        reason: 'a',
        steps: [{ afterDays: 9_999, action: 'warn' }],
      });
      const run = await rig(backend, { dunning: [dunning], checklist });
      await fc.assert(
        fc.asyncProperty(fc.boolean(), sequences, async (requiresApproval, sequence) => {
          const { id } = await run.acme.customers.register({ ...someone(), requiresApproval });
          await run.token(id);
          let model = registered(requiresApproval);
          for (const call of sequence) {
            clock.set(clock.now() + 7);
            const predicted = predict(model, call);
            const before = await run.acme.customers.read(id);
            if (predicted === 'refused') {
              await expect(perform(run, id, call)).rejects.toMatchObject({
                code: call === 'owe' || call === 'pay' ? 'CUSTOMER_ERASED' : 'ILLEGAL_TRANSITION',
              });
              expect(await run.acme.customers.read(id)).toEqual(before);
            } else {
              await perform(run, id, call);
              model = predicted;
            }
            const row = await run.acme.customers.read(id);
            expect(row.stage).toBe(model.stage);
            expect(row.blocks.map(({ reason }) => reason).sort()).toEqual([...model.reasons.keys()].sort());
            const history = await store.tenant('acme').history.list(id, { limit: 1_000 });
            expect(fold(history.map(({ event }) => event))).toEqual(foldedRow(row));
            expect(history.map(({ seq }) => seq)).toEqual(history.map((_, index) => index + 1));
          }
        }),
        {
          numRuns: runsOn(title),
          examples: [
            [true, everyWay],
            [false, paidTooLate],
            [false, backBeforeVerified],
            [true, backBeforeVerified],
            [false, bitByBit],
          ],
        },
      );
      await run.stop();
      await backend.close();
    }, 300_000);
  });
