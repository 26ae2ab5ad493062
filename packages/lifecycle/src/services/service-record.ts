import { freeForm } from '@dotmac/core/contract';
import type { z } from 'zod';
import { openBlock, shownBlocks } from '../customers/customer-record.js';
import { serviceView, viewOfService, type ServiceInstance } from './instance.js';

/** A service as it is shown whole: with what was said of its reasons, and what its steps gave back. */
export const serviceRecord = serviceView
  .extend({
    blocks: openBlock.array().meta({ description: 'Its own open reasons, besides its customer’s' }),
    outputs: freeForm.meta({ description: 'What the steps of its runs gave back, by their names' }),
  })
  .meta({ id: 'CustomerServiceRecord' });

/** @see serviceRecord */
export type ServiceRecord = z.output<typeof serviceRecord>;

/** A service as it is shown whole. */
export function recordOfService(service: ServiceInstance): ServiceRecord {
  const { blocks, outputs } = service;
  return { ...viewOfService(service), blocks: shownBlocks(blocks), outputs };
}
