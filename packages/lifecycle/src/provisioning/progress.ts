import { instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { provisioning, provisioningStep } from './run.js';

/** How far a run is, as it is streamed. */
export const runProgress = z
  .object({
    id: z.string().meta({ description: 'Of this state; sent as `Last-Event-ID`, it is not told again' }),
    event: z
      .enum(['run', 'step', 'ended'])
      .meta({ description: '`step`: one changed; `ended`: nothing more comes, close the stream' }),
    at: instant,
    step: provisioningStep.nullable().meta({ description: 'The one that changed' }),
    run: provisioning,
  })
  .meta({ id: 'ProvisioningProgress' });

/** @see runProgress */
export type RunProgress = z.output<typeof runProgress>;
