import { setTimeout as turn } from 'node:timers/promises';
import type { FakeClock } from '@dotmac/core/testing';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import type { LifecycleScope } from '../../src/scope.js';
import type { LifecycleOptions } from '../../src/options.js';
import type { VerificationMessage } from '../../src/verification/sender.js';
import type { Backend } from './backends.js';

let count = 0;

/** A registration that differs from every other. */
export function someone() {
  count += 1;
  return {
    username: `user${count}`,
    email: `user${count}@example.com`,
    firstName: 'A',
    lastName: 'B',
    userType: 'residential',
  };
}

/** A running lifecycle on a backend, and what it sent. */
export interface Rig {
  module: Lifecycle;
  acme: LifecycleScope;
  other: LifecycleScope;
  sent: VerificationMessage[];
  clock: FakeClock;
  /** The token last sent to a customer. */
  token(customerId: string, channel?: 'email' | 'phone'): Promise<string>;
  /** An active customer's id. */
  active(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a lifecycle; its tenants are `acme` and `other`. */
export async function rig<Trx>(backend: Backend, options: Partial<LifecycleOptions<Trx>> = {}): Promise<Rig> {
  const { store, clock } = backend;
  const sent: VerificationMessage[] = [];
  const module = createLifecycle({
    store,
    clock,
    secret: 'a secret of more than 32 characters, for tests',
    sendVerification: (message) => void sent.push(message),
    ...options,
  });
  await module.start();
  const acme = module.scope({ tenantId: 'acme', actor: 'user:1' });
  const token = async (customerId: string, channel = 'email'): Promise<string> => {
    const found = () => sent.findLast((it) => it.customerId === customerId && it.channel === channel);
    await until(() => found() !== undefined, clock);
    return found()?.token ?? '';
  };
  return {
    module,
    acme,
    other: module.scope({ tenantId: 'other' }),
    sent,
    clock,
    token,
    async active() {
      const { id } = await acme.customers.register(someone());
      await acme.verification.verify(id, { verificationToken: await token(id), verificationType: 'email' });
      await acme.onboarding.onboard(id);
      return id;
    },
    stop: () => module.stop(),
  };
}

/**
 * Lets real I/O proceed, and the fake clock run, until `done`; fails after 2,000 steps of that clock, or, where none moves, a
 * minute and a half of the real one, for processes and retries come at their own pace on a busy machine.
 */
export async function until(done: () => boolean | Promise<boolean>, clock?: FakeClock, stepMs = 100): Promise<void> {
  const givenUpAt = performance.now() + 90_000;
  const moves = clock !== undefined && stepMs > 0;
  for (let round = 0; moves ? round < 2_000 : performance.now() < givenUpAt; round++) {
    if (await done()) return;
    await turn(round < 20 ? 0 : 5);
    await clock?.advance(stepMs);
  }
  throw new Error('This did not come true in time.');
}
