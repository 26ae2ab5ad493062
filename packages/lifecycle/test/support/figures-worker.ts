// A process of its own, with little memory: the figures of as many customers as it is told, which no table holds.
import { createLifecycle } from '../../src/lifecycle.js';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import type { LifecycleStore, StageChange, TenantStore } from '../../src/store/store.js';

const count = Number(process.argv[2]);
const dayMs = 86_400_000;
const start = Date.UTC(2024, 0, 1);
const life = ['registration', 'verification', 'onboarding', 'active', 'inactive'] as const;

/** One customer registers a minute; each tenth leaves after so many days as its number has hundreds. */
function changeAt(place: number): StageChange | undefined {
  const [customer, step] = [Math.floor(place / life.length), place % life.length];
  const stage = life[step];
  if (customer >= count || !stage) return undefined;
  const registeredAt = start + customer * 60_000;
  const leftAt = registeredAt + (1 + (customer % 100)) * dayMs;
  const at = step === 4 ? (customer % 10 === 0 ? leftAt : Infinity) : registeredAt + step * 1_000;
  return { customerId: String(customer).padStart(8, '0'), seq: step + 1, stage, at };
}

const store = memoryLifecycleStore();
let [pages, largest] = [0, 0];
const endless: LifecycleStore = {
  ...store,
  tenant(tenantId): TenantStore {
    const inner = store.tenant(tenantId);
    const stageChanges: TenantStore['history']['stageChanges'] = ({ before, after, limit }) => {
      const found: StageChange[] = [];
      let place = after === undefined ? 0 : Number(after.customerId) * life.length + after.seq;
      for (; found.length < limit; place++) {
        const change = changeAt(place);
        if (!change) break;
        if (change.at < before) found.push(change);
      }
      pages += 1;
      largest = Math.max(largest, found.length);
      return Promise.resolve(found);
    };
    return { ...inner, history: { ...inner.history, stageChanges } };
  },
};
const scope = createLifecycle({ store: endless }).scope({ tenantId: 'acme' });
const to = start + count * 60_000 + 200 * dayMs;
const { tenure } = await scope.figures.read({ from: start, to: to + 1 });
process.stdout.write(JSON.stringify({ tenure, pages, largest }));
