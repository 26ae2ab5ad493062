import type { Leave } from './carried.js';
import { kumaMonitor, type KumaMonitor } from './uptime-kuma-monitor.js';

const byRules = 'Alert rules say here who is told, and how often';
const reasons: Record<string, string> = {
  notificationIDList: byRules,
  notificationList: byRules,
  resendInterval: byRules,
  description: 'An endpoint has a name and tags here, and no description',
  cacheBust: 'Nothing is added to an address here',
  ipFamily: 'Addresses of both families are tried here, as they are found',
};

/** What Uptime Kuma writes of every monitor, of another type's, or of what it found out: nobody set it. */
const unset =
  /^(?:weight|path|pathName|childrenIDs|maintenance|includeSensitiveData|screenshot|retryOnlyOnStatusCodeFailure|responseMaxLength|save(?:Error)?Response|(?:grpc|mqtt|kafka|game|oauth|docker|remote_browser|dns_last|ping_|snmp|radius|rabbitmq|tls).*)$/i;

const isEmpty = (value: unknown): boolean =>
  value === null || ['', 0, false, '0'].includes(value as never) || ['{}', '[]'].includes(JSON.stringify(value));

/** Says what else is set of a monitor: nothing here stands for it. */
export function leaveRest(monitor: KumaMonitor, leave: Leave): void {
  for (const [field, value] of Object.entries(monitor))
    if (!Object.hasOwn(kumaMonitor.shape, field) && !unset.test(field) && !isEmpty(value))
      leave(field, reasons[field] ?? 'There is no equal of it here');
}

/** A number within a bound; says so where it is not. */
export function atMost(most: number, given: number, field: string, leave: Leave): number {
  if (given > most) leave(field, `${given} became ${most}, which is the most here`);
  return Math.min(most, given);
}
