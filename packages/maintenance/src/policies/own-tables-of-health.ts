import { checkKept, type OwnTable } from './own-table.js';

/** How long health keeps what; each as the option of the same name of `createHealth`, in days. */
export interface KeptOfHealth {
  /** Sums. Default: minutes 3, hours 35, days 401. */
  retentionDays?: { minute?: number; hour?: number; day?: number };
  /** Resolved incidents, and messages that were given up. Default 401 and 90. */
  keptDays?: { incidents?: number; undelivered?: number };
}

/** Delivers alerts. Its deliveries bear the ids of their messages. */
const messenger = 'health-messenger';

/** A day: they are of processes that look every second, and of clocks that may be apart. */
const toldDays = 1;
/** A process that was cut off for longer may count again what it does not know to be kept. */
const receiptDays = 30;

/** Policies for health's tables. */
export function healthTables({ retentionDays, keptDays }: KeptOfHealth): OwnTable[] {
  const sums = { minute: 3, hour: 35, day: 401, ...retentionDays };
  const kept = { incidents: 401, undelivered: 90, ...keptDays };
  checkKept('health.retentionDays', sums);
  checkKept('health.keptDays', kept);
  return [
    // Those of planned maintenance are rows of their own.
    ...Object.entries(sums).flatMap(([resolution, days]) =>
      [resolution, `${resolution}-maintenance`].map((series) => ({
        name: `dotmac-check-buckets-${series}`,
        table: 'dotmac_check_buckets',
        timeColumn: 'start',
        match: { resolution: series },
        retentionDays: days,
      })),
    ),
    {
      name: 'dotmac-incidents',
      table: 'dotmac_incidents',
      // Null as long as it is open.
      timeColumn: 'resolved_at',
      retentionDays: kept.incidents,
      along: [{ table: 'dotmac_incident_entries', columns: { tenant_id: 'tenant_id', incident_id: 'id' } }],
    },
    {
      name: 'dotmac-undelivered-alerts',
      table: 'dotmac_outbox',
      timeColumn: 'parked_at',
      match: { queue: 'health' },
      retentionDays: kept.undelivered,
      along: [{ table: 'dotmac_alert_messages', columns: { tenant_id: 'tenant_id', id: 'delivery_id' } }],
      // A delivery of before did not bear its message's id: it is left to health, which reads what it is of.
      where: (eb) =>
        eb.or([
          eb('subscriber', '<>', messenger),
          eb.exists(
            eb
              .selectFrom('dotmac_alert_messages as message')
              .select(eb.lit(1).as('one'))
              .whereRef('message.tenant_id', '=', 'dotmac_outbox.tenant_id')
              .whereRef('message.id', '=', 'dotmac_outbox.delivery_id'),
          ),
        ]),
    },
    {
      name: 'dotmac-endpoint-changes',
      table: 'dotmac_endpoint_changes',
      timeColumn: 'changed_at',
      retentionDays: toldDays,
    },
    { name: 'dotmac-handed-results', table: 'dotmac_handed_results', timeColumn: 'handed_at', retentionDays: toldDays },
    {
      name: 'dotmac-health-events',
      table: 'dotmac_health_events',
      timeColumn: 'logged_at',
      retentionDays: toldDays,
      // There are those of a day, but for what is old.
      allowFullScan: true,
    },
    {
      name: 'dotmac-settlement-receipts',
      table: 'dotmac_settlement_receipts',
      timeColumn: 'settled_at',
      retentionDays: receiptDays,
      // There is one for each process.
      allowFullScan: true,
    },
  ];
}
