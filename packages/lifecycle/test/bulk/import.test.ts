import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImportedLine, LineResult } from '@dotmac/core/contract';
import type { RegistrationDraft } from '../../src/customers/customer.js';
import { defineJourney } from '../../src/journeys/journey.js';
import type { LifecycleStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const welcome = defineJourney({
  name: 'welcome',
  startsOn: ['customer.registered'],
  when: ({ userType }) => userType === 'residential',
  steps: [{ key: 'greet', afterDays: 7 }],
});

async function* linesOf(drafts: readonly RegistrationDraft[]): AsyncGenerator<LineResult<RegistrationDraft>> {
  for (const [index, value] of drafts.entries()) yield { line: index + 1, ok: true, value };
}

/** A store that counts how often customers were added, and their histories begun. */
function counted(store: LifecycleStore) {
  const counts = { insertions: 0, appended: 0 };
  const counting: LifecycleStore = {
    ...store,
    tenant(tenantId) {
      const { customers, history, ...own } = store.tenant(tenantId);
      return {
        ...own,
        customers: { ...customers, insert: (...asked) => (counts.insertions++, customers.insert(...asked)) },
        history: { ...history, append: (...asked) => (counts.appended++, history.append(...asked)) },
      };
    },
  };
  return { counting, counts };
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`an import of customers, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeEach(async () => {
      backend = await create();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const begin = async (store = backend.store): Promise<void> => {
      run = await rig({ ...backend, store }, { journeys: [welcome] });
    };
    const importAll = async (drafts: readonly RegistrationDraft[]): Promise<ImportedLine[]> => {
      const answers: ImportedLine[] = [];
      for await (const answer of run.acme.bulk.import(linesOf(drafts))) answers.push(answer);
      return answers;
    };
    const differing = async (): Promise<number> => {
      let last = -1;
      for await (const line of run.acme.consistency.check()) last = line.differing;
      return last;
    };
    const made = (answers: readonly ImportedLine[]): string[] => answers.flatMap(({ id }) => id ?? []);

    it('leaves of each line what registering it alone would leave', async () => {
      await begin();
      const told: string[] = [];
      const heard: string[] = [];
      run.module.subscribe({
        name: 'audit',
        events: ['customer.registered'],
        deliver: (event) => void told.push(event.subject),
      });
      run.module.events.on('customer.registered', ({ subject }) => void heard.push(subject));
      const more = { phone: '+4930901820', referralCode: 'FRIEND', requiresApproval: true } as const;
      const { id: alone } = await run.acme.customers.register({ ...someone(), ...more });
      const ids = made(await importAll([someone(), someone()].map((one) => ({ ...one, ...more }))));
      expect(ids).toHaveLength(2);
      const left = async (id: string) => {
        const {
          username: _,
          email: __,
          id: ___,
          createdAt: ____,
          updatedAt: _____,
          termsAcceptedAt: ______,
          ...row
        } = await run.acme.customers.read(id);
        const entries = await backend.store.tenant('acme').history.list(id, { limit: 9 });
        const history = entries.map(({ seq, event, sealed }) => [seq, event.name, event.data, sealed !== undefined]);
        const timers = (await run.acme.timers.list(id)).map(({ name, command }) => [name, command]);
        const { lifecycleEvents } = await run.acme.customers.summary(id);
        return { row, history, timers, details: lifecycleEvents.map(({ details }) => details) };
      };
      const expected = await left(alone);
      expect(expected.timers).toEqual([['journey:welcome', 'journeyStep']]);
      expect(expected.details).toMatchObject([{ referral_code: 'FRIEND' }]);
      for (const id of ids) {
        expect(await left(id)).toEqual(expected);
        await run.acme.customers.approve(id);
        for (const channel of ['email', 'phone'] as const) expect(await run.token(id, channel)).not.toBe('');
      }
      await until(() => told.length === 3 && heard.length === 3, run.clock);
      expect([...told].sort()).toEqual([alone, ...ids].sort());
      expect([...heard].sort()).toEqual([alone, ...ids].sort());
    });

    it('writes lines that have come together together, and takes none of them down for another', async () => {
      const { counting, counts } = counted(backend.store);
      await begin(counting);
      const [known, first, second] = [someone(), someone(), someone()];
      await run.acme.customers.register(known);
      const before = { ...counts };
      const answers = await importAll([
        first,
        { ...someone(), email: known.email.toUpperCase() },
        { ...someone(), username: first.username },
        { ...someone(), username: 'has a space' },
        // The name of one who is refused is nobody's.
        { ...second, email: known.email },
        second,
        ...Array.from({ length: 90 }, () => someone()),
      ]);
      expect(answers.map(({ line }) => line)).toEqual(answers.map((_, index) => index + 1));
      expect(answers.slice(0, 6).map(({ code }) => code)).toEqual([
        null,
        'CUSTOMER_EXISTS',
        'CUSTOMER_EXISTS',
        'INVALID_INPUT',
        'CUSTOMER_EXISTS',
        null,
      ]);
      expect(answers[1]?.errors).toEqual([{ path: '', message: 'There is a customer with this email already.' }]);
      expect(answers[2]?.errors).toEqual([{ path: '', message: 'There is a customer with this username already.' }]);
      expect(made(answers)).toHaveLength(92);
      expect([counts.insertions - before.insertions, counts.appended - before.appended]).toEqual([1, 1]);
      expect(await differing()).toBe(0);
    });

    it('lets exactly one of three that import the same people at once have each, in whatever order they come', async () => {
      await begin();
      const people = Array.from({ length: 450 }, () => someone());
      const shuffled = people.map((_, index) => people[(index * 7) % people.length] ?? someone());
      const all = await Promise.all([importAll(people), importAll([...people].reverse()), importAll(shuffled)]);
      expect(new Set(all.flatMap(made)).size).toBe(people.length);
      const refused = all.flat().filter(({ status }) => status === 'refused');
      expect(refused).toHaveLength(2 * people.length);
      expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['CUSTOMER_EXISTS']));
      expect(await backend.store.tenant('acme').customers.countByStage()).toEqual({ registration: people.length });
      expect(await differing()).toBe(0);
    });

    it('sends an address its share of tokens, however many lines have it', async () => {
      await begin();
      const phone = '+4930901820';
      const ids = made(await importAll(Array.from({ length: 20 }, () => ({ ...someone(), phone }))));
      expect(ids).toHaveLength(20);
      const { tokens } = backend.store.tenant('acme');
      const kept = await Promise.all(ids.map((id) => tokens.get(id, 'phone')));
      expect(kept.map((token) => token !== undefined)).toEqual(ids.map((_, index) => index < 15));
      for (const id of ids) expect(await tokens.get(id, 'email')).toMatchObject({ issued: 1 });
    });
  });
