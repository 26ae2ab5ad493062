import { createServer } from 'node:net';
import { silentLogger, systemClock } from '@dotmac/core';
import { ConnectFailure } from '@dotmac/core/net';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it } from 'vitest';
import { closedPort } from '../../../../test/support/ports.js';
import { createConnectivity } from '../../src/monitoring/connectivity.js';
import { memoryHealthStore } from '../../src/index.js';
import { serving } from '../support/probing.js';
import { staged } from '../support/staged.js';

const offline = { status: 'offline', code: 'no_answer', responseTimeMs: null, message: 'It is gone' } as const;
const host = '127.0.0.1';

describe('the loss of our own network', () => {
  it('is none while anything can be reached, be it by a refusal', async () => {
    const [open, closed] = [(await serving(createServer())).port, await closedPort()];
    for (const port of [open, closed]) {
      const targets = [
        { host: '192.0.2.1', port: 9 },
        { host, port },
      ];
      const guard = createConnectivity({ targets, timeoutMs: 20_000 }, { clock: systemClock, logger: silentLogger });
      expect(await guard.weigh(offline)).toEqual(offline);
    }
  });

  it('makes what was not reached unknown, and leaves what answered as it is', async () => {
    const connector = { connect: () => Promise.reject(new ConnectFailure('unreachable')) };
    const guard = createConnectivity(
      { targets: [{ host, port: 53 }] },
      { clock: systemClock, logger: silentLogger, connector },
    );
    expect(await guard.weigh(offline)).toMatchObject({ status: 'unknown' });
    const critical = { ...offline, status: 'critical' } as const;
    expect(await guard.weigh(critical)).toEqual(critical);
  });

  it('is looked for once by all that fail together, and again later', async () => {
    const clock = fakeClock();
    let looks = 0;
    const connector = {
      connect: () => {
        looks++;
        return Promise.reject(new ConnectFailure('unreachable'));
      },
    };
    const guard = createConnectivity({ targets: [{ host, port: 53 }] }, { clock, logger: silentLogger, connector });
    await Promise.all(Array.from({ length: 500 }, () => guard.weigh(offline)));
    expect(looks).toBe(1);
    await clock.advance(1_000);
    await guard.weigh(offline);
    expect(looks).toBe(2);
  });

  it('opens no incident', async () => {
    const { port, close } = await serving(createServer());
    // 240.0.0.0/4 is reserved: no machine has a route to it.
    const targets = [{ host: '240.0.0.1', port: 53 }];
    const blind = await staged((clock) => memoryHealthStore({ clock }), { connectivity: { targets, timeoutMs: 200 } });
    const seeing = await staged((clock) => memoryHealthStore({ clock }), {
      connectivity: { targets: [{ host, port }] },
    });
    const [one, other] = [await blind.register('web'), await seeing.register('web')];
    await blind.becomes(one, 'healthy');
    await seeing.becomes(other, 'healthy');
    blind.states.set('web', 'offline');
    await blind.until(async () => (await blind.scope.endpoints.get(one.id)).lastStatus === 'unknown');
    await seeing.becomes(other, 'offline');
    expect((await blind.scope.incidents.list()).items).toEqual([]);
    expect((await seeing.scope.incidents.list()).items).toHaveLength(1);
    await close();
  });
});
