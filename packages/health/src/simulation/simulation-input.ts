import { z } from 'zod';
import { defaultBounds, endpointFields } from '../endpoints/endpoint.js';

const { retryCount, recoveryCount, minErrorTime, recoveryResponseTime, expectedResponseTime } =
  endpointFields(defaultBounds);

/** Another policy to try; what is left out is the endpoint's own. */
export const simulationInput = z
  .object({ retryCount, recoveryCount, minErrorTime, recoveryResponseTime, expectedResponseTime })
  .partial()
  .meta({ id: 'SimulationInput' });

/** @see simulationInput */
export type SimulationDraft = z.input<typeof simulationInput>;
