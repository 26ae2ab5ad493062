import type { Outbox, StoreTransaction } from '@dotmac/core';
import { endedOperation, isOfFew, isOpen, type BulkOperation } from '../../bulk/operation.js';
import type { Customer } from '../../customers/customer.js';
import { pageOf } from '../page-of.js';
import { conditionsOf } from '../../search/filter.js';
import type { BulkChange, BulkStore } from '../store.js';
import { fits } from './customer-list.js';
import { writeTerms } from './customers.js';
import { appendHistory } from './history.js';
import type { LifecycleMemory } from './tables.js';

/** Commands for many, in memory. */
export function memoryBulk(memory: LifecycleMemory, outbox: Outbox, tenantId: string): BulkStore {
  const keyOf = (id: string): string => `${tenantId}/${id}`;
  const own = <Row>(rows: ReadonlyMap<string, Row>): Row[] =>
    [...rows].flatMap(([key, row]) => (key.startsWith(`${tenantId}/`) ? [row] : []));
  const targetsOf = (id: string): ReadonlySet<string> => memory.read.bulkTargets.get(keyOf(id)) ?? new Set();
  const change = (
    id: string,
    of: (operation: BulkOperation) => Partial<BulkOperation> | undefined,
    trx?: StoreTransaction,
  ) =>
    memory.transaction(({ bulkOperations }) => {
      const found = bulkOperations.get(keyOf(id));
      const changes = found && of(found);
      if (changes) bulkOperations.set(keyOf(id), { ...found, ...changes });
      return changes !== undefined;
    }, trx);
  const meant = ({ id, filter, cursor, upTo }: BulkOperation): string[] => {
    const { stages, userTypes, listed: _, ...like } = filter;
    const conditions = conditionsOf(like);
    const isMeant = (customer: Customer): boolean =>
      (stages?.includes(customer.stage) ?? true) &&
      (userTypes?.includes(customer.userType) ?? true) &&
      fits(conditions, customer, memory.read.terms.get(keyOf(customer.id)) ?? []);
    const ids = filter.listed
      ? [...targetsOf(id)]
      : own(memory.read.customers)
          .filter(isMeant)
          .map((customer) => customer.id);
    return ids.filter((it) => it > cursor && (filter.listed || it <= upTo)).sort();
  };
  return {
    insert: (operation, trx) =>
      memory.transaction(({ bulkOperations }) => void bulkOperations.set(keyOf(operation.id), operation), trx),
    get: (operationId) => Promise.resolve(memory.read.bulkOperations.get(keyOf(operationId))),
    list({ limit, cursor }) {
      const found = own(memory.read.bulkOperations).filter(({ id }) => cursor === undefined || id < cursor);
      return Promise.resolve(
        pageOf(
          found.sort((a, b) => (a.id < b.id ? 1 : -1)),
          limit,
        ),
      );
    },
    countOpen: () =>
      Promise.resolve(own(memory.read.bulkOperations).filter((it) => isOpen(it) || it.status === 'collecting').length),
    touch: (operationId, touchedAt, trx) =>
      change(operationId, ({ status }) => (status === 'collecting' ? { touchedAt } : undefined), trx),
    begin: (operationId, trx) =>
      change(operationId, ({ status }) => (status === 'collecting' ? { status: 'pending' } : undefined), trx),
    async requestCancel(operationId, at) {
      await change(operationId, (operation) => {
        if (operation.status === 'collecting')
          return { ...endedOperation(operation), status: 'cancelled', cancelRequestedAt: at, endedAt: at };
        return isOpen(operation) ? { cancelRequestedAt: operation.cancelRequestedAt ?? at } : undefined;
      });
    },
    advance: (operation, before, trx) =>
      memory.transaction(({ bulkOperations }) => {
        const found = bulkOperations.get(keyOf(operation.id));
        if (!found || !isOpen(found) || found.cursor !== before.cursor || found.processed !== before.processed)
          return false;
        const { cancelRequestedAt, filter, input, createdBy } = found;
        const erased = isOfFew(operation) ? found.erased : null;
        const after: BulkOperation = { ...operation, filter, input, createdBy, cancelRequestedAt, erased };
        bulkOperations.set(keyOf(operation.id), after.endedAt === null ? after : endedOperation(after));
        return true;
      }, trx),
    addFailures: (operationId, failures, trx) =>
      memory.transaction(({ bulkFailures }) => {
        const key = keyOf(operationId);
        if (failures.length > 0) bulkFailures.set(key, [...(bulkFailures.get(key) ?? []), ...failures]);
      }, trx),
    failures({ operationId, limit, cursor }) {
      const found = (memory.read.bulkFailures.get(keyOf(operationId)) ?? []).filter(
        ({ id }) => cursor === undefined || id > cursor,
      );
      return Promise.resolve(pageOf(found, limit));
    },
    addTargets: (operationId, customerIds, trx) =>
      memory.transaction(
        ({ bulkTargets }) =>
          void bulkTargets.set(keyOf(operationId), new Set([...targetsOf(operationId), ...customerIds])),
        trx,
      ),
    copyTargets: (from, to, trx) =>
      memory.transaction(({ bulkTargets }) => void bulkTargets.set(keyOf(to), new Set(targetsOf(from))), trx),
    lastId: () => Promise.resolve(own(memory.read.customers).reduce((last, { id }) => (id > last ? id : last), '')),
    count: (operation) => Promise.resolve(meant(operation).length),
    next(operation, limit) {
      const live = own(memory.read.services).filter(({ status }) => status !== 'terminated' && status !== 'failed');
      const served = new Set(live.map(({ customerId }) => customerId));
      const ids = meant(operation).slice(0, limit);
      return Promise.resolve(
        ids.map((id) => ({ id, customer: memory.read.customers.get(keyOf(id)), isServed: served.has(id) })),
      );
    },
    prepare: (changes, entries) => (trx) =>
      memory.transaction(async (maps) => {
        const { customers, timers } = maps;
        const isAsBefore = ({ before }: BulkChange): boolean =>
          customers.get(keyOf(before.id))?.version === before.version;
        const others = changes.filter((change) => !isAsBefore(change));
        if (others.length > 0) return others.map(({ before }) => before.id);
        for (const { after, event, terms, cleared } of changes) {
          customers.set(keyOf(after.id), structuredClone(after));
          appendHistory(maps, tenantId, after.id, [{ seq: after.version, event }]);
          writeTerms(maps, keyOf(after.id), terms);
          if (cleared.length === 0) continue;
          for (const [key, timer] of timers)
            if (key.startsWith(`${tenantId}/`) && timer.customerId === after.id && cleared.includes(timer.name))
              timers.delete(key);
        }
        if (entries) await outbox.append(entries, trx);
        return [];
      }, trx),
  };
}
