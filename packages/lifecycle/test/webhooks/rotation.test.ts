import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { backends } from '../support/backends.js';
import { rig, someone, until } from '../support/lifecycle.js';
import { receiver, type Received } from '../support/receiver.js';

const webhooks = { egress: { allow: ['loopback' as const] } };

/** Which of these secrets a message is signed with, in the order of its signatures. */
function signersOf({ headers, text }: Received, secrets: Record<string, string | null>): (string | undefined)[] {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`;
  const signatures = Object.entries(secrets).map(([name, secret]) => {
    const key = Buffer.from((secret ?? '').slice('whsec_'.length), 'base64');
    return { signature: `v1,${createHmac('sha256', key).update(signed).digest('base64')}`, name };
  });
  const nameOf = new Map(signatures.map(({ signature, name }) => [signature, name]));
  return String(headers['webhook-signature'])
    .split(' ')
    .map((signature) => nameOf.get(signature));
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a webhook's secret that is replaced, on ${title}`, () => {
    it('signs beside the new one for a day, or as long as was said; elsewhere it is void at once', async () => {
      const backend = await create();
      const run = await rig(backend, { webhooks });
      const own = run.acme.webhooks;
      const [there, elsewhere] = [await receiver(), await receiver()];
      const { id, secret: first, oldSecretUntil } = await own.create({ name: 'CRM', url: there.url });
      expect(oldSecretUntil).toBeNull();
      const second = await own.update(id, { rotateSecret: true });
      expect(second.oldSecretUntil).toBe(run.clock.now() + 86_400_000);
      const secrets: Record<string, string | null> = { first, second: second.secret };
      const told = async (at = there): Promise<(string | undefined)[]> => {
        await own.test(id);
        return signersOf(at.received.at(-1) as Received, secrets);
      };
      expect(await told()).toEqual(['second', 'first']);
      // What happens is signed as tests are.
      const { id: customerId } = await run.acme.customers.register(someone());
      const isAbout = ({ body }: Received) => body.data['customer_id'] === customerId;
      await until(() => there.received.some(isAbout), run.clock);
      expect(signersOf(there.received.find(isAbout) as Received, secrets)).toEqual(['second', 'first']);
      run.clock.set(run.clock.now() + 86_400_000);
      expect(await told()).toEqual(['second']);

      secrets['third'] = (await own.update(id, { rotateSecret: true, oldSecretSeconds: 60 })).secret;
      expect(await told()).toEqual(['third', 'second']);
      secrets['fourth'] = (await own.update(id, { rotateSecret: true })).secret;
      expect(await told()).toEqual(['fourth', 'third']);
      secrets['fifth'] = (await own.update(id, { rotateSecret: true, oldSecretSeconds: 0 })).secret;
      expect(await told()).toEqual(['fifth']);
      await own.update(id, { rotateSecret: true });
      const moved = await own.update(id, { url: elsewhere.url });
      secrets['moved'] = moved.secret;
      expect(moved.oldSecretUntil).toBeNull();
      expect(await told(elsewhere)).toEqual(['moved']);
      await run.stop();
      await backend.close();
    });
  });
