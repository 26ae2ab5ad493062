import { checkKept, type OwnTable } from './own-table.js';

/** How long lifecycle keeps what; each as the option of the same name of `createLifecycle`, in days. */
export interface KeptOfLifecycle {
  /** Operations on many, after their end, and deliveries, after they were given up. Default 90 each. */
  keptDays?: { bulk?: number; parked?: number };
  /** The log of deliveries of webhooks. Default 30. */
  webhooks?: { keepDays?: number };
}

/** So long messages to an address are counted together. */
const quotaDays = 1;

/** Policies for lifecycle's tables. */
export function lifecycleTables({ keptDays, webhooks }: KeptOfLifecycle): OwnTable[] {
  const kept = { bulk: 90, parked: 90, ...keptDays };
  const log = { keepDays: 30, ...webhooks };
  checkKept('lifecycle.keptDays', kept);
  checkKept('lifecycle.webhooks', { keepDays: log.keepDays });
  return [
    {
      name: 'dotmac-bulk-operations',
      table: 'dotmac_bulk_operations',
      // Null as long as it is not over.
      timeColumn: 'ended_at',
      retentionDays: kept.bulk,
      along: ['dotmac_bulk_failures', 'dotmac_bulk_targets'].map((table) => ({
        table,
        columns: { tenant_id: 'tenant_id', operation_id: 'id' },
      })),
    },
    ...['lifecycle', 'lifecycle-webhooks'].map((queue) => ({
      name: `dotmac-parked-${queue}`,
      table: 'dotmac_outbox',
      timeColumn: 'parked_at',
      match: { queue },
      retentionDays: kept.parked,
    })),
    {
      name: 'dotmac-webhook-deliveries',
      table: 'dotmac_webhook_deliveries',
      timeColumn: 'event_at',
      retentionDays: log.keepDays,
      where: (eb) => eb('state', '<>', 'pending'),
    },
    {
      name: 'dotmac-command-answers',
      table: 'dotmac_command_answers',
      // The column says until when: nothing is to be added.
      timeColumn: 'keep_until',
      retentionDays: 0,
    },
    {
      name: 'dotmac-verification-quotas',
      table: 'dotmac_verification_quotas',
      timeColumn: 'window_started_at',
      retentionDays: quotaDays,
    },
  ];
}
