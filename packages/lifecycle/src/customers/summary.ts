import { freeForm, id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { serviceRequest } from '../services/instance.js';
import { customerStatus, stage } from './stage.js';

/** An event of a customer's history. */
export const lifecycleEvent = z
  .object({
    id,
    eventType: z.string().meta({ examples: ['customer.suspended'] }),
    timestamp: instant,
    actor: z.string(),
    details: freeForm,
  })
  .meta({ id: 'LifecycleEvent' });

/** A stay in a stage. */
const stageStay = z
  .object({ stage, enteredAt: instant, leftAt: instant.nullable().meta({ description: 'Null: still there' }) })
  .meta({ id: 'LifecycleStageStay' });

/** What a customer went through: its last hundred events, stages and services. */
export const customerSummary = z
  .object({
    userId: id,
    currentStage: stage,
    userStatus: customerStatus,
    createdAt: instant,
    lastActivity: instant,
    lifecycleEvents: z.array(lifecycleEvent).meta({ description: 'Oldest first' }),
    stageHistory: z.array(stageStay).meta({ description: 'Oldest first' }),
    services: z.array(serviceRequest).meta({ description: 'Newest first' }),
  })
  .meta({ id: 'CustomerSummary' });

/** @see customerSummary */
export type CustomerSummary = z.output<typeof customerSummary>;
