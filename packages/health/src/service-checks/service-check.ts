import { z } from 'zod';
import { endpointStatus } from '../endpoints/endpoint.js';
import { outcomeCode } from '../probes/outcomes.js';

/** What kinds of services can be checked on request. */
export const checkedServiceType = z.enum(['database', 'redis', 'container']);

/** What a check on request takes. */
export const serviceCheckInput = z
  .object({
    serviceType: checkedServiceType,
    target: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'The name under which the host application registered the service' }),
    connectionString: z
      .string()
      .min(1)
      .max(4_096)
      .optional()
      .meta({ description: 'Only where the host application enabled it: postgres, mysql or redis://…' }),
    containerId: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, 'Give a container’s id or name')
      .optional(),
    timeout: z.number().min(0.1).max(60).default(5).meta({ description: 'Seconds' }),
  })
  .superRefine((input, context) => {
    const given = [input.target, input.connectionString, input.containerId].filter((it) => it !== undefined).length;
    if (given !== 1)
      context.addIssue({
        code: 'custom',
        path: ['target'],
        message: 'Give one of target, connection_string and container_id',
      });
    else if (input.containerId !== undefined && input.serviceType !== 'container')
      context.addIssue({ code: 'custom', path: ['containerId'], message: 'This goes with the service type container' });
    else if (input.connectionString !== undefined && input.serviceType === 'container')
      context.addIssue({ code: 'custom', path: ['connectionString'], message: 'Containers have none' });
  })
  .meta({ id: 'ServiceCheckInput' });

/** What a check on request found out. */
export const serviceCheck = z
  .object({
    status: endpointStatus,
    code: outcomeCode,
    responseTime: z.number().nullable().meta({ description: 'Seconds; null when nothing answered' }),
    message: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  })
  .meta({ id: 'ServiceCheck' });

/** @see checkedServiceType */
export type CheckedServiceType = z.output<typeof checkedServiceType>;
/** {@link serviceCheckInput} as a caller writes it. */
export type ServiceCheckDraft = z.input<typeof serviceCheckInput>;
/** @see serviceCheck */
export type ServiceCheck = z.output<typeof serviceCheck>;
/** Facts of a checked service, in the words of the wire. */
export type ServiceFacts = ServiceCheck['details'];
