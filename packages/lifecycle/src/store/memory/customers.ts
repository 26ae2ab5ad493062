import type { Outbox } from '@dotmac/core';
import type { Customer } from '../../customers/customer.js';
import type { Stage } from '../../customers/stage.js';
import { lifecycleErrors } from '../../errors.js';
import type { SearchTerm, TermChange } from '../../search/terms.js';
import type { ServiceInstance } from '../../services/instance.js';
import { foundPage } from './customer-list.js';
import { nameKey } from '../name-key.js';
import type { CustomerStore, Insertion } from '../store.js';
import { appendHistory } from './history.js';
import type { LifecycleMaps, LifecycleMemory } from './tables.js';

/** Customers in memory. */
export function memoryCustomers(memory: LifecycleMemory, outbox: Outbox, tenantId: string): CustomerStore {
  const keyOf = (id: string): string => `${tenantId}/${id}`;
  const nameOf = (of: 'username' | 'email', name: string): string => `${tenantId}/${of}/${nameKey(name)}`;
  const externalKey = (id: string | null): string | null => (id === null ? null : `${tenantId}/external/${id}`);
  const get = (id: string) => Promise.resolve(memory.read.customers.get(keyOf(id)));
  return {
    insert: (added, trx) =>
      memory.transaction(({ customers, names }) => {
        const insert = (customer: Customer): Insertion => {
          const username = nameOf('username', customer.username);
          const email = nameOf('email', customer.email);
          if (names.has(username)) return 'username';
          if (names.has(email)) return 'email';
          const external = externalKey(customer.externalId);
          if (external !== null && names.has(external)) return 'external_id';
          if (external !== null) names.set(external, customer.id);
          names.set(username, customer.id);
          names.set(email, customer.id);
          customers.set(keyOf(customer.id), structuredClone({ ...customer, tenantId }));
          return 'inserted';
        };
        return added.map(insert);
      }, trx),
    get,
    lock: get,
    byEmail(email) {
      const id = memory.read.names.get(`${tenantId}/email/${nameKey(email)}`);
      return Promise.resolve(id === undefined ? undefined : memory.read.customers.get(keyOf(id)));
    },
    byExternalId(externalId) {
      const id = memory.read.names.get(externalKey(externalId) ?? '');
      return Promise.resolve(id === undefined ? undefined : memory.read.customers.get(keyOf(id)));
    },
    // In its turn: what another transaction has written so far may be undone yet.
    standing: (customerId) =>
      memory.transaction(({ customers, services }) => {
        const customer = customers.get(keyOf(customerId));
        const isLive = ({ status }: ServiceInstance): boolean => status !== 'terminated' && status !== 'failed';
        const own = [...services.values()].filter((it) => it.tenantId === tenantId && it.customerId === customerId);
        return customer && { customer, liveServices: own.filter(isLive).length };
      }),
    change: ({ before, after, history, outbox: entries, requested, ended, terms }, join) =>
      memory.transaction(async (maps, trx) => {
        const kept = maps.customers.get(keyOf(after.id));
        if (kept?.version !== before.version) return false;
        const record = ended && maps.runs.get(keyOf(ended.runId));
        if (record?.fence !== ended?.fence) return false;
        const holder = maps.names.get(nameOf('email', after.email));
        if (holder !== undefined && holder !== after.id) throw lifecycleErrors.CUSTOMER_EXISTS({ field: 'email' });
        for (const of of ['username', 'email'] as const)
          if (kept[of] !== after[of]) {
            maps.names.delete(nameOf(of, kept[of]));
            maps.names.set(nameOf(of, after[of]), after.id);
          }
        maps.customers.set(keyOf(after.id), structuredClone({ ...after, tenantId }));
        const [old, external] = [kept.externalId, after.externalId].map(externalKey);
        if (old !== external && old) maps.names.delete(old);
        if (external) maps.names.set(external, after.id);
        if (terms) writeTerms(maps, keyOf(after.id), terms);
        appendHistory(maps, tenantId, after.id, history);
        if (requested) {
          const { service, run } = structuredClone(requested);
          maps.services.set(keyOf(service.id), { ...service, tenantId });
          maps.runs.set(keyOf(run.id), { run: { ...run, tenantId }, fence: 0, leaseOwner: null, leaseUntil: 0 });
        }
        if (ended && record) {
          const run = { ...record.run, ...structuredClone(ended.state) };
          maps.runs.set(keyOf(ended.runId), { ...record, run, leaseOwner: null, leaseUntil: 0 });
          maps.services.set(keyOf(ended.service.id), structuredClone({ ...ended.service, tenantId }));
        }
        await outbox.append(entries, trx);
        return true;
      }, join),
    changeTerms: (changes, trx) =>
      memory.transaction((maps) => {
        for (const { customer, ...change } of changes) writeTerms(maps, keyOf(customer.id), change);
      }, trx),
    scan(after, limit) {
      const own = [...memory.read.customers.values()].filter((it) => it.tenantId === tenantId);
      const sorted = own.filter(({ id }) => after === undefined || id > after).sort((a, b) => (a.id < b.id ? -1 : 1));
      return Promise.resolve(sorted.slice(0, limit));
    },
    termsOf(customerIds) {
      const found = customerIds.map(
        (id) => [id, [...(memory.read.terms.get(keyOf(id)) ?? [])]] as [string, SearchTerm[]],
      );
      return Promise.resolve(new Map(found.filter(([, terms]) => terms.length > 0)));
    },
    list(ask) {
      const own = [...memory.read.customers.values()].filter((it) => it.tenantId === tenantId);
      const termsOf = ({ id }: Customer) => memory.read.terms.get(keyOf(id)) ?? [];
      return Promise.resolve(foundPage(ask, own, termsOf));
    },
    countByStage() {
      const counts: Partial<Record<Stage, number>> = {};
      for (const customer of memory.read.customers.values())
        if (customer.tenantId === tenantId) counts[customer.stage] = (counts[customer.stage] ?? 0) + 1;
      return Promise.resolve(counts);
    },
  };
}

/** Changes what the customer with a key is found by. */
export function writeTerms({ terms }: Pick<LifecycleMaps, 'terms'>, key: string, { add, remove }: TermChange): void {
  const isChanged = ({ kind, term }: SearchTerm) =>
    [...remove, ...add].some((it) => it.kind === kind && it.term === term);
  const kept = (terms.get(key) ?? []).filter((term) => !isChanged(term));
  terms.set(key, [...kept, ...add]);
}
