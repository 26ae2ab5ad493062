import { fakeClock } from '@dotmac/core/testing';
import { sqlite } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createOperations, type OperationsOptions } from '../src/index.js';

const started = async (options: Omit<OperationsOptions, 'database'> = {}) => {
  const database = sqlite(':memory:');
  const operations = createOperations({ ...options, database });
  await operations.start();
  onTestFinished(async () => {
    await operations.stop();
    await database.close();
  });
  return operations;
};

describe('the three domains together', () => {
  it('say of the store what health says, where it is behind', async () => {
    const operations = await started();
    expect(operations.readiness().parts).toMatchObject({ store: 'ok' });
    vi.spyOn(operations.health, 'readiness').mockReturnValue({ ready: true, parts: { store: 'behind' } });
    expect(operations.readiness().parts).toMatchObject({ store: 'behind' });
  });

  it('deliver again when the time has come by the clock that they are given', async () => {
    const clock = fakeClock();
    let attempts = 0;
    const sendVerification = (): void => {
      attempts += 1;
      if (attempts < 7) throw new Error('the mail server is away');
    };
    const operations = await started({ clock, lifecycle: { sendVerification } });
    const { customers } = operations.scope({ tenantId: 'acme' }).lifecycle;
    const person = { username: 'neo', email: 'neo@example.com', firstName: 'Thomas', lastName: 'Anderson' };
    await customers.register({ ...person, userType: 'residential' });
    for (let second = 0; second < 3_600 && attempts < 7; second++) await clock.advance(1_000);
    expect(attempts).toBe(7);
  });
});
