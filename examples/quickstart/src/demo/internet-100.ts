import { defineServiceTemplate } from '@dotmac/lifecycle';
import { z } from 'zod';

/** A service in three steps. With `fail: true` the second one fails, and what was done is undone. */
export const internet100 = defineServiceTemplate({
  name: 'internet-100',
  version: 1,
  config: z.object({ fail: z.boolean().default(false), vlan: z.number().int().min(1).max(4_094).default(100) }),
  steps: [
    {
      key: 'reserve-address',
      // A real step calls an address manager with `idempotencyKey`, so that a repeat reserves nothing twice.
      run: async ({ idempotencyKey }) => ({ reservation: idempotencyKey }),
      compensate: async () => undefined,
    },
    {
      key: 'configure-access',
      // A refusal of the switch is final. By default a failing step is tried again.
      retry: { attempts: 1 },
      run: async ({ config }) => {
        if (config.fail) throw new Error('The access switch refused the port profile');
        return { vlan: config.vlan };
      },
      compensate: async () => undefined,
    },
    { key: 'activate-billing', run: async () => ({ activated: true }), compensate: async () => undefined },
  ],
});
