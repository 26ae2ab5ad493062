import type { Block, Customer } from '../customers/customer.js';
import type { PendingEvent } from '../customers/record.js';
import type { ServiceInstance } from './instance.js';

/** What of its customer does not count for a service. */
export type Spared = Pick<ServiceInstance, 'sparedReasons' | 'isKept'>;

/** Everything counts. */
export const nothingSpared: Spared = { sparedReasons: [], isKept: false };

/** Is anything of its customer not to count for a service? */
export function isSpared({ sparedReasons, isKept }: Spared): boolean {
  return isKept || sparedReasons.length > 0;
}

/**
 * What a service is still spared, its customer being otherwise now: a reason that was lifted, also if it was opened again
 * since, or opened harder, counts as every new one does, and so does another stage without services.
 */
export function stillSpared({ sparedReasons, isKept }: Spared, before: Customer, customer: Customer): Spared {
  const openOf = (blocks: readonly Block[], wanted: string) => blocks.find(({ reason }) => reason === wanted);
  const isSame = (reason: string): boolean => {
    const [was, is] = [openOf(before.blocks, reason), openOf(customer.blocks, reason)];
    return is !== undefined && is.openedAt === was?.openedAt && is.severity === was.severity;
  };
  return { sparedReasons: sparedReasons.filter(isSame), isKept: isKept && before.stage === customer.stage };
}

/** A service that is spared this from now on; the event, where that is another than it was. */
export function withSpared(
  service: ServiceInstance,
  { sparedReasons, isKept }: Spared,
): { service: ServiceInstance; events: PendingEvent[] } {
  const isSame = isKept === service.isKept && String(sparedReasons) === String(service.sparedReasons);
  if (isSame) return { service, events: [] };
  const { id: serviceId, serviceName } = service;
  const data = { serviceId, serviceName, reasons: [...sparedReasons], isKept };
  return { service: { ...service, sparedReasons, isKept }, events: [{ name: 'service.spared', data }] };
}
