import { id } from '@dotmac/core/contract';
import { z } from 'zod';
import { stage } from '../customers/stage.js';
import { commands } from '../customers/transitions.js';
import { operationName } from '../services/operation.js';
import { timedCommands } from '../timers/timer.js';
import { channel } from '../verification/channel.js';
import { commandInput, type CommandInput } from './input.js';

const command = z.enum(commands).meta({ id: 'LifecycleCommand', description: 'What can be asked of a customer' });

/** When a hook is called. */
export const hookPhase = z.enum(['before', 'inTransaction', 'afterCommit']);

/** What a command would come to for a customer, by what is kept of it. */
export const commandExplanation = z
  .object({
    command,
    allowed: z.boolean(),
    reason: z.string().nullable().meta({ description: 'Why not; null when it is allowed' }),
    leadsTo: stage
      .nullable()
      .meta({ description: 'Null when it is not allowed, or when it depends on which open reason is meant' }),
    hooks: z.array(hookPhase).meta({ description: 'What code of the host takes part; `before` may still refuse' }),
  })
  .meta({ id: 'LifecycleCommandExplanation' });

/** @see commandExplanation */
export type CommandExplanation = z.output<typeof commandExplanation>;

/** The commands that a dry run can be asked for. */
const dryRunnable = [...timedCommands, 'verify', 'startOnboarding', 'requestService', 'promise', 'restore'] as const;

const dryRunCommandInput = commandInput
  .extend({ verificationType: channel.optional().meta({ description: 'Of `verify`. Default `email`' }) })
  .meta({ id: 'LifecycleDryRunCommandInput', description: 'What the command takes on its own route, tokens aside' });

/** What a command takes in a dry run. */
export type DryRunCommandInput = z.output<typeof dryRunCommandInput>;

/** What a dry run takes. */
export const dryRunInput = z
  .object({
    command: z.enum(dryRunnable),
    input: dryRunCommandInput.default({}),
  })
  .meta({ id: 'LifecycleDryRunInput' });

/** @see dryRunInput */
export type DryRunDraft = Pick<z.input<typeof dryRunInput>, 'command'> & { input?: DryRunCommandInput };

/** What can be asked of a service. */
export const serviceCommands = ['suspend', 'resume', 'promise', 'endPromise', 'changePlan', 'terminate'] as const;

/** @see serviceCommands */
export type ServiceCommand = (typeof serviceCommands)[number];

/** What a dry run of a command on a service takes. */
export const serviceDryRunInput = z
  .object({
    command: z.enum(serviceCommands).meta({ id: 'ServiceCommand', description: 'What can be asked of a service' }),
    input: commandInput.default({}),
  })
  .meta({ id: 'ServiceDryRunInput' });

/** @see serviceDryRunInput */
export type ServiceDryRunDraft = Pick<z.input<typeof serviceDryRunInput>, 'command'> & { input?: CommandInput };

/** What a command would do. */
export const dryRun = z
  .object({
    allowed: z.boolean(),
    code: z
      .string()
      .nullable()
      .meta({ description: 'The code that it would be refused with; null when it is allowed' }),
    reason: z.string().nullable().meta({ description: 'Why not; null when it is allowed' }),
    from: stage.nullable().meta({ description: 'The customer’s stage; null: it would be registered' }),
    to: stage.nullable().meta({ description: 'Null: it would not be registered' }),
    events: z.array(z.string()),
    operations: z
      .array(z.object({ serviceId: id, serviceName: z.string(), operation: operationName }))
      .meta({ description: 'What would be begun on services' }),
    timers: z.array(z.string()).meta({ description: 'Timers that would be set, or set anew; also those of journeys' }),
    clearedTimers: z.array(z.string()).meta({ description: 'Timers that would not be there any more' }),
    hooks: z
      .array(z.object({ hook: z.string(), phase: hookPhase }))
      .meta({ description: 'What code of the host would take part, also in the operations that would be begun' }),
  })
  .meta({ id: 'LifecycleDryRun' });

/** @see dryRun */
export type DryRun = z.output<typeof dryRun>;
