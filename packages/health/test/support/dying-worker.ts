// A process of its own that monitors a database, and kills itself at a point on the way from a transition to its delivery.
// Arguments: the URL, the epoch and speed of its clock, the point (`PointOfDeath`, or another word for none), and the endpoint
// and the channel that it is about.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore, type HealthStore } from '../../src/index.js';
import { fastClock } from './fast-clock.js';

/**
 * Just after it is committed that an incident began (`settled`), that there is an alert of it (`routed`), or that it is in a
 * message (`put`).
 */
export type PointOfDeath = 'settled' | 'routed' | 'put';

const [url = '', epoch, speed, point, endpointId, channelId] = process.argv.slice(2);
const clock = fastClock(Number(epoch), Number(speed));
const kept = kyselyHealthStore(databaseFromUrl(url), { clock });
/** No line of this process runs after it. */
const dieAt = (here: PointOfDeath): void => void (here === point && process.kill(process.pid, 'SIGKILL'));

let isPut = false;
const store: HealthStore = {
  ...kept,
  async settle(settlement, term) {
    await kept.settle(settlement, term);
    if (settlement.incidents.some((it) => it.endpointId === endpointId && it.opened)) dieAt('settled');
  },
  async transaction(work, join) {
    const result = await kept.transaction(work, join);
    if (isPut) dieAt('put');
    return result;
  },
  tenant(tenantId) {
    const tenant = kept.tenant(tenantId);
    return {
      ...tenant,
      async changeAlert(of, change, trx) {
        let isNew = false;
        const noting: typeof change = (known) => {
          const changed = change(known);
          isNew = of.channelId === channelId && !known && Boolean(changed);
          return changed;
        };
        await tenant.changeAlert(of, noting, trx);
        if (isNew) dieAt('routed');
      },
      async insertMessage(message, trx) {
        await tenant.insertMessage(message, trx);
        if (message.channelId === channelId) isPut = true;
      },
    };
  },
};
const health = createHealth({
  ...{ store, clock, egress: { allow: ['loopback'] }, leaseTtlMs: 5_000 },
  secret: 'a secret of thirty-two characters',
});
await health.start();
// Timers of the module do not hold the process open.
setInterval(() => undefined, 1_000);
