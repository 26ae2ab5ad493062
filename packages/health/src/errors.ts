import { defineErrors } from '@dotmac/core';

/** What the health domain may refuse. */
export const healthErrors = defineErrors({
  ENDPOINT_NOT_FOUND: {
    kind: 'not_found',
    message: ({ endpointId }: { endpointId: string }) => `There is no endpoint ${endpointId}.`,
  },
  ENDPOINT_LIMIT_REACHED: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `This tenant has ${limit} endpoints already, which is its limit.`,
    hint: 'Remove endpoints that are no longer needed, or ask for a higher limit.',
  },
  ENDPOINT_PAUSED: {
    kind: 'conflict',
    message: ({ endpointId }: { endpointId: string }) => `The endpoint ${endpointId} is paused.`,
    hint: 'Resume it first.',
  },
  ENDPOINT_NOT_CHECKED: {
    kind: 'unavailable',
    message: ({ endpointId }: { endpointId: string }) => `The endpoint ${endpointId} could not be checked now.`,
    hint: 'Nothing is checked by this process, or the endpoint was changed meanwhile. Try again.',
  },
  INCIDENT_NOT_FOUND: {
    kind: 'not_found',
    message: ({ incidentId }: { incidentId: string }) => `There is no incident ${incidentId}.`,
  },
  INCIDENT_RESOLVED: {
    kind: 'conflict',
    message: ({ incidentId }: { incidentId: string }) => `The incident ${incidentId} is over.`,
  },
  CHANNEL_NOT_FOUND: {
    kind: 'not_found',
    message: ({ channelId }: { channelId: string }) => `There is no channel ${channelId}.`,
  },
  CHANNEL_LIMIT_REACHED: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `This tenant has ${limit} channels already, which is its limit.`,
    hint: 'Remove channels that are no longer needed.',
  },
  CHANNEL_IN_USE: {
    kind: 'conflict',
    message: ({ channelId, rule }: { channelId: string; rule: string }) =>
      `The rule "${rule}" tells the channel ${channelId}.`,
    hint: 'Take the channel out of the rule first, or remove the rule.',
  },
  CHANNEL_FAILED: {
    kind: 'unavailable',
    message: ({ code }: { code: string }) => `The message was not delivered: ${code}.`,
    hint: 'Check the address, and that the receiver accepts messages.',
  },
  ALERT_RULE_NOT_FOUND: {
    kind: 'not_found',
    message: ({ ruleId }: { ruleId: string }) => `There is no alert rule ${ruleId}.`,
  },
  ALERT_RULE_LIMIT_REACHED: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `This tenant has ${limit} alert rules already, which is its limit.`,
    hint: 'Remove rules that are no longer needed.',
  },
  UNDELIVERED_NOT_FOUND: {
    kind: 'not_found',
    message: ({ deliveryId }: { deliveryId: string }) => `There is no message ${deliveryId} that was given up.`,
  },
  WINDOW_NOT_FOUND: {
    kind: 'not_found',
    message: ({ windowId }: { windowId: string }) => `There is no maintenance window ${windowId}.`,
  },
  WINDOW_LIMIT_REACHED: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `This tenant has ${limit} windows already, which is its limit.`,
    hint: 'Remove windows that are over.',
  },
  NO_HEARTBEAT: {
    kind: 'conflict',
    message: ({ endpointId }: { endpointId: string }) => `The endpoint ${endpointId} is no heartbeat.`,
    hint: 'Register one whose service type is `heartbeat`.',
  },
  HEARTBEAT_NEEDS_SECRET: {
    kind: 'conflict',
    message: (_: Record<never, never>) => 'Heartbeats need a secret that the host application has not set.',
    hint: 'Set `secret` in `createHealth`.',
  },
  HEARTBEAT_NOT_FOUND: {
    kind: 'not_found',
    message: (_: Record<never, never>) => 'There is no such heartbeat.',
    hint: 'The path may have been replaced: ask for it again.',
  },
  OBJECTIVE_NOT_FOUND: {
    kind: 'not_found',
    message: ({ objectiveId }: { objectiveId: string }) => `There is no objective ${objectiveId}.`,
  },
  OBJECTIVE_LIMIT_REACHED: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `This tenant has ${limit} objectives already, which is its limit.`,
    hint: 'Remove objectives that nobody looks at.',
  },
  STATUS_FEED_NOT_FOUND: {
    kind: 'not_found',
    message: ({ feedId }: { feedId: string }) => `There is no status feed ${feedId}.`,
  },
  STATUS_FEED_LIMIT_REACHED: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `This tenant has ${limit} status feeds already, which is its limit.`,
    hint: 'Remove feeds that nobody reads.',
  },
  // To anybody: why there is none is not his to know.
  STATUS_NOT_FOUND: { kind: 'not_found', message: (_: Record<never, never>) => 'There is nothing here.' },
  TARGET_NOT_FOUND: {
    kind: 'not_found',
    message: ({ serviceType, target }: { serviceType: string; target: string }) =>
      `There is no ${serviceType} target named "${target}".`,
    hint: 'Targets are named in the host application’s code.',
  },
  AD_HOC_TARGETS_DISABLED: {
    kind: 'forbidden',
    message: (_: Record<never, never>) => 'Checking by connection string is not enabled here.',
    hint: 'Name a `target` that the host application registered.',
  },
});
