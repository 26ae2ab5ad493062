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
