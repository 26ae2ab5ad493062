import { z } from 'zod';

/** What can be asked of a run, whatever its steps are. */
export const runCommands = ['cancel', 'retry', 'skip', 'force'] as const;

/** @see runCommands */
export type RunCommand = (typeof runCommands)[number];

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
      .meta({ description: 'Of an allowed `cancel`: the step with whose beginning it is too late. Null: none is' }),
  })
  .meta({ id: 'ProvisioningCommandExplanation' });

/** @see runCommandExplanation */
export type RunCommandExplanation = z.output<typeof runCommandExplanation>;
