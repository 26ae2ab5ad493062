import { freeForm, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { blockSeverity } from '../customers/customer.js';
import { words } from '../customers/reason.js';
import { writtenInstant } from '../written-instant.js';

/** What the commands take, all of them together: each reads its own part, as over its own route. */
export const commandInput = z
  .object({
    actionType: z.string().max(50),
    reason: words.nullable(),
    parameters: freeForm,
    severity: blockSeverity,
    until: instant,
    serviceName: z.string().max(100),
    customConfig: freeForm,
    onboardingData: freeForm,
    reference: z.string().max(100).nullable(),
  })
  .partial()
  .meta({ id: 'LifecycleCommandInput', description: 'What the command takes on its own route' });

/** @see commandInput */
export type CommandInput = z.output<typeof commandInput>;

/** The input of code as the schema reads it. */
export function writtenInput<Input extends CommandInput>(
  input?: Input,
): { input: Omit<Input, 'until'> & { until?: string } } {
  const { until, ...rest } = input ?? ({} as Input);
  return { input: until === undefined ? rest : { ...rest, until: writtenInstant(until) } };
}
