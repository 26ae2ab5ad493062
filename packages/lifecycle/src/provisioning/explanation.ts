import { z } from 'zod';
import { blockSeverity } from '../customers/customer.js';

/** What can be asked of a run, whatever its steps are. */
export const runCommands = ['cancel', 'retry', 'skip', 'force'] as const;

/** @see runCommands */
export type RunCommand = (typeof runCommands)[number];

/** What cancelling a run changes besides. */
const cancelOutcome = z
  .object({
    lifts: z.array(z.string()).meta({ description: 'Open reasons of the service that are lifted' }),
    spares: z.array(z.string()).meta({ description: 'Open reasons of its customer that count for it no more' }),
    opens: z
      .object({ reason: z.string(), severity: blockSeverity })
      .nullable()
      .meta({ description: 'The reason of the service that is opened' }),
    keeps: z.boolean().meta({ description: 'The service stays though its customer has left' }),
    byHand: z
      .array(z.string())
      .nullable()
      .meta({
        description:
          'Steps that somebody has to put back, in this order. Null: it is not known in this process, where the template is ' +
          'not registered',
      }),
  })
  .meta({ id: 'ProvisioningCancelOutcome', description: 'Of an allowed `cancel`: what it changes besides' });

/** Whether something may be asked of a run, as it is. */
export const runCommandExplanation = z
  .object({
    command: z.enum(runCommands).meta({ id: 'ProvisioningCommand', description: 'What can be asked of a run' }),
    allowed: z.boolean(),
    code: z
      .string()
      .nullable()
      .meta({ description: 'The code that it would be refused with; null when it is allowed' }),
    reason: z.string().nullable().meta({ description: 'Why not, and what to do instead; null when it is allowed' }),
    untilStep: z
      .string()
      .nullable()
      .meta({
        description:
          'Of an allowed `cancel`: the step that begins next from which on somebody has to put something back by hand. ' +
          'Null: none is, or it is not known where `by_hand` is null, either',
      }),
    comesTo: cancelOutcome.nullable(),
  })
  .meta({ id: 'ProvisioningCommandExplanation' });

/** @see runCommandExplanation */
export type RunCommandExplanation = z.output<typeof runCommandExplanation>;
