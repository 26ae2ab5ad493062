import { id } from '@dotmac/core/contract';
import { z } from 'zod';
import { serviceDrift } from '../services/drift.js';

/** Which services are asked after, and how hard. */
export const driftQuery = z.object({
  customerId: id.optional().meta({ description: 'Of this customer alone' }),
  serviceName: z.string().min(1).max(100).optional().meta({ description: 'Of this template alone' }),
  concurrency: z.coerce
    .number()
    .int()
    .min(1)
    .max(16)
    .default(4)
    .meta({ description: 'Services that are asked after at once' }),
});

/** @see driftQuery */
export type DriftDraft = { customerId?: string | undefined; serviceName?: string | undefined; concurrency?: number };

/** A line of the report: a service that is not as it should be, how far it is, or the end. */
export const driftLine = z
  .object({
    kind: z
      .enum(['drifted', 'unknown', 'unchecked', 'progress', 'done'])
      .meta({ description: '`unknown`: some step could not be asked; `unchecked`: none was, see `reason`' }),
    checked: z.int().meta({ description: 'Services looked at so far' }),
    drifted: z.int().meta({ description: 'Those of them whose effect is not there any more' }),
    unknown: z.int(),
    unchecked: z.int().meta({ description: 'Also those that no step can be asked of: they have no line' }),
    serviceId: z.string().nullable(),
    customerId: z.string().nullable(),
    serviceName: z.string().nullable(),
    reason: z.string().nullable(),
    steps: serviceDrift.shape.steps,
  })
  .meta({ id: 'DriftLine' });

/** @see driftLine */
export type DriftLine = z.output<typeof driftLine>;
