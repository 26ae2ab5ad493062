import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLong } from '../../../../test/support/length.js';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import { fold, foldedRow } from '../../src/customers/fold.js';
import { backends } from '../support/backends.js';
import { createVault, openEntries } from '../../src/privacy/vault.js';
import { compareSaid } from '../../src/consistency/compare.js';
import { saidOn } from '../../src/customers/said.js';
import { calls, checklist, perform, predict, profileCalls, registered, type Call } from '../support/customer-model.js';
import { rig, someone, until } from '../support/lifecycle.js';

const hourMs = 3_600_000;
const secret = 'a secret of more than 32 characters, for tests';

/** Longer than all that is asked of a customer takes. */
const promisedMs = 80 * 24 * hourMs;
/** What is refused to who was erased, for that. */
const isAboutErased = new Set<Call>(['owe', 'pay', 'rename', 'move', 'link one', 'link two', 'unlink']);

/** Sequences that get somewhere: most begin by becoming active, so that what comes after is tried as well. */
const sequences = fc
  .tuple(fc.boolean(), fc.array(fc.constantFrom(...calls, ...profileCalls), { maxLength: 25 }))
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

/** Whoever was deleted while it waited for approval is let in, or turned away, once it is back. */
const backBeforeApproved: Call[] = ['delete', 'approve', 'restore', 'verify', 'approve', 'reject', 'verify', 'winBack'];
const backAndTurnedAway: Call[] = ['delete', 'reject', 'restore', 'winBack', 'reject', 'approve', 'verify', 'winBack'];

/**
 * Who churns before it was active: it comes back to onboarding, by itself or when it is won back, and is neither suspended
 * nor active until it is onboarded; also when it was active before it left, and has a reason open from then.
 */
const neverCame: Call[] = [
  ...([
    'markChurning',
    'verify',
    'markChurning',
    'verify phone',
    'suspend a',
    'throttle a',
    'winBack',
    'tell',
  ] as const),
  ...(['markChurning', 'markChurning', 'begin', 'markChurning', 'onboard', 'suspend a', 'promise a', 'owe'] as const),
  ...(['deactivate', 'winBack', 'markChurning', 'endPromise a', 'suspend b', 'reactivate a', 'winBack'] as const),
  ...(['markChurning', 'move', 'deactivate', 'winBack', 'markChurning', 'delete', 'restore', 'winBack'] as const),
];
/** The same with the reason left open: who is onboarded then is suspended for it. */
const cameBackOwing: Call[] = [
  ...(['verify', 'onboard', 'suspend a', 'deactivate', 'winBack', 'markChurning', 'winBack', 'markChurning'] as const),
  ...(['onboard', 'reactivate a', 'markChurning', 'winBack', 'markChurning', 'suspend b', 'reactivate'] as const),
];

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

/** Two reasons, each with a promise; addresses that change and are proven again; a link that comes and goes. */
const twoOfEach: Call[] = [
  ...([
    'verify phone',
    'onboard',
    'verify',
    'throttle b',
    'promise b',
    'suspend a',
    'promise a',
    'endPromise b',
  ] as const),
  ...(['link one', 'rename', 'move', 'verify', 'suspend b', 'link two', 'endPromise a', 'reactivate b'] as const),
  ...(['move', 'deactivate', 'winBack', 'unlink', 'deactivate', 'rename', 'link one', 'erase', 'rename'] as const),
];
/** Nobody who left and whose only address that was proven has changed is taken back before that is proven, too. */
const movedAway: Call[] = ['verify', 'deactivate', 'move', 'winBack', 'verify', 'winBack', 'onboard', 'verify phone'];

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
      const run = await rig(backend, { dunning: [dunning], checklist, secret });
      await fc.assert(
        fc.asyncProperty(fc.boolean(), sequences, async (requiresApproval, sequence) => {
          const person = someone();
          // An address has its share of tokens: everybody has a telephone of their own.
          const phone = `+4930${person.username.slice('user'.length)}`;
          const { id } = await run.acme.customers.register({ ...person, phone, requiresApproval });
          if (!requiresApproval) await run.token(id);
          /** The token before may be too old, or of an address that it has no more. */
          const sendAgain = async (call: Call): Promise<void> => {
            const channel = call === 'verify phone' ? 'phone' : 'email';
            // So that it never asks for more in an hour than it may.
            clock.set(clock.now() + hourMs);
            const expires = clock.now() + (channel === 'email' ? 24 * hourMs : hourMs / 6);
            await run.acme.verification.resend(id, { channel });
            const isNew = () =>
              run.sent.some((it) => it.customerId === id && it.channel === channel && it.expiresAt >= expires);
            await until(isNew, clock, 1);
          };
          let model = registered(requiresApproval);
          for (const call of sequence) {
            clock.set(clock.now() + 7);
            const predicted = predict(model, call);
            const before = await run.acme.customers.read(id);
            if (predicted === 'refused') {
              await expect(perform(run, id, call, promisedMs)).rejects.toMatchObject({
                code: isAboutErased.has(call) ? 'CUSTOMER_ERASED' : 'ILLEGAL_TRANSITION',
              });
              expect(await run.acme.customers.read(id)).toEqual(before);
            } else {
              if (call === 'verify' || call === 'verify phone') await sendAgain(call);
              await perform(run, id, call, promisedMs);
              model = predicted;
            }
            const row = await run.acme.customers.read(id);
            expect(row.stage).toBe(model.stage);
            expect(row.churningFrom === 'active').toBe(row.stage === 'churning' && model.churnsFromActive);
            expect(row.churningFrom === null).toBe(row.stage !== 'churning');
            expect(row.blocks.map(({ reason }) => reason).sort()).toEqual([...model.reasons.keys()].sort());
            expect([row.emailVerifiedAt !== null, row.phoneVerifiedAt !== null, row.erasedAt !== null]).toEqual([
              model.emailDone,
              model.phoneDone,
              model.erased,
            ]);
            expect(row.externalId).toBe(model.linkedTo && `${model.linkedTo} ${id}`);
            for (const { reason, severity, promisedUntil } of row.blocks)
              expect({ suspends: severity === 'suspend', promised: promisedUntil !== null }).toEqual(
                model.reasons.get(reason),
              );
            const history = await store.tenant('acme').history.list(id, { limit: 1_000 });
            const opened = await openEntries({ store, vault: createVault([secret]) }, 'acme', id, history);
            expect(compareSaid(row, saidOn(undefined, opened))).toEqual([]);
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
            [true, backBeforeApproved],
            [true, backAndTurnedAway],
            [false, bitByBit],
            [true, ['approve', ...twoOfEach]],
            [false, twoOfEach],
            [false, movedAway],
            [false, neverCame],
            [true, ['approve', ...neverCame]],
            [false, cameBackOwing],
          ],
        },
      );
      await run.stop();
      await backend.close();
    }, 300_000);
  });
