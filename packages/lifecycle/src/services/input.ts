import { freeForm, id, idPageQuery } from '@dotmac/core/contract';
import { z } from 'zod';
import { blockSeverity } from '../customers/customer.js';
import { reason } from '../customers/reason.js';
import { suspensionInput } from '../suspension/suspension.js';
import { serviceStatus } from './instance.js';

const serviceName = z
  .string()
  .min(1)
  .max(100)
  .meta({ description: 'A service template', examples: ['internet-100'] });
const customConfig = freeForm.default({}).meta({ description: 'The configuration that the template asks for' });

/** What asking for a service takes. */
export const serviceRequestInput = z.object({ serviceName, customConfig }).meta({ id: 'ServiceRequestInput' });

/** @see serviceRequestInput */
export type ServiceRequestDraft = z.input<typeof serviceRequestInput>;

/** What changing a plan takes. */
export const planInput = z
  .object({
    serviceName: serviceName.optional().meta({ description: 'The template to change to; absent: the same' }),
    customConfig,
  })
  .meta({ id: 'PlanChangeInput' });

/** @see planInput */
export type PlanDraft = z.input<typeof planInput>;

const { actionType, parameters } = suspensionInput.shape;

/** What suspending one service takes. */
export const serviceBlockInput = z
  .object({ actionType, reason, parameters, severity: blockSeverity.default('suspend') })
  .meta({ id: 'ServiceSuspensionInput' });

/** @see serviceBlockInput */
export type ServiceBlockDraft = z.input<typeof serviceBlockInput>;

/** What lifting a reason of one service takes. */
export const serviceUnblockInput = z.object({ actionType }).meta({ id: 'ServiceReactivationInput' });

/** @see serviceUnblockInput */
export type ServiceUnblockDraft = z.input<typeof serviceUnblockInput>;

/** What taking a service down takes. */
export const terminationInput = z.object({ reason }).meta({ id: 'ServiceTerminationInput' });

/** @see terminationInput */
export type TerminationDraft = z.input<typeof terminationInput>;

/** Which services are listed. */
export const serviceListQuery = z.object({
  ...idPageQuery.shape,
  customerId: id.optional().meta({ description: 'Of this customer alone' }),
  status: serviceStatus.optional().meta({ description: 'Those with this status' }),
});

/** @see serviceListQuery */
export type ServiceListDraft = z.input<typeof serviceListQuery>;
