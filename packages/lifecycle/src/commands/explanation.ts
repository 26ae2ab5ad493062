import { id } from '@dotmac/core/contract';
import { z } from 'zod';
import { stage } from '../customers/stage.js';
import { commands } from '../customers/transitions.js';
import { operationName } from '../services/operation.js';
import { timedCommands } from '../timers/timer.js';
import { commandInput, type CommandInput } from './input.js';

const command = z.enum(commands).meta({ id: 'LifecycleCommand', description: 'What can be asked of a customer' });

/** What a command would come to for a customer, by the table alone. */
export const commandExplanation = z
  .object({
    command,
    allowed: z.boolean(),
    reason: z.string().nullable().meta({ description: 'Why not; null when it is allowed' }),
    leadsTo: stage.nullable(),
    hooks: z
      .array(z.enum(['before', 'inTransaction', 'afterCommit']))
      .meta({ description: 'What code of the host takes part; `before` may still refuse' }),
  })
  .meta({ id: 'LifecycleCommandExplanation' });

/** @see commandExplanation */
export type CommandExplanation = z.output<typeof commandExplanation>;

/** The commands that a dry run can be asked for. */
const dryRunnable = [...timedCommands, 'startOnboarding', 'requestService', 'promise', 'restore'] as const;

/** What a dry run takes. */
export const dryRunInput = z
  .object({
    command: z.enum(dryRunnable),
    input: commandInput.default({}),
  })
  .meta({ id: 'LifecycleDryRunInput' });

/** @see dryRunInput */
export type DryRunDraft = Pick<z.input<typeof dryRunInput>, 'command'> & { input?: CommandInput };

/** What a command would do. */
export const dryRun = z
  .object({
    allowed: z.boolean(),
    reason: z.string().nullable().meta({ description: 'Why not; null when it is allowed' }),
    from: stage,
    to: stage,
    events: z.array(z.string()),
    operations: z
      .array(z.object({ serviceId: id, serviceName: z.string(), operation: operationName }))
      .meta({ description: 'What would be begun on services' }),
    timers: z.array(z.string()).meta({ description: 'Timers that would be set' }),
    hooks: commandExplanation.shape.hooks,
  })
  .meta({ id: 'LifecycleDryRun' });

/** @see dryRun */
export type DryRun = z.output<typeof dryRun>;
