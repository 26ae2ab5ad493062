import { fieldsBy, id, instant, pageQueryOf } from '@dotmac/core/contract';
import { z } from 'zod';
import { commandInput, type CommandInput } from '../commands/input.js';
import { ownInputs } from '../commands/own-inputs.js';
import { registration } from '../customers/customer.js';
import { stage, stages } from '../customers/stage.js';
import { filterFields } from '../search/filter.js';
import { commands } from '../customers/transitions.js';

/**
 * The commands that can be given to many: all but those that are about what one customer alone can bring or show, and but
 * the one that cannot be taken back.
 */
const bulkCommand = z.enum(commands).exclude(['verify', 'progressOnboarding', 'completeOnboarding', 'erase']);

/** Which customers are meant: those that a list with this filter shows, all that every one of these says. */
export const bulkFilter = z
  .object({
    ...filterFields,
    stages: z.array(stage).min(1).max(stages.length).meta({ description: 'In one of them' }),
    userTypes: z.array(registration.shape.userType).min(1).max(50).meta({ description: 'Of one of them' }),
    listed: z.literal(true).meta({
      description: 'Just those that are listed one by one: `POST /customer-lifecycle/bulk-operations/customers`',
    }),
  })
  .partial()
  .refine(
    (filter) => filter.listed === undefined || Object.values(filter).filter((it) => it !== undefined).length === 1,
    {
      message: 'Those that are listed are meant whatever they are: leave the rest out',
    },
  )
  .meta({ id: 'LifecycleBulkFilter', description: 'Every customer that there is now, without any' });

/** @see bulkFilter */
export type BulkFilter = z.output<typeof bulkFilter>;

/** What giving a command to many takes. */
export const bulkInput = z
  .object({
    command: bulkCommand,
    input: fieldsBy(
      commandInput.default({}).meta({ description: 'What the command takes on its own route' }),
      'command',
      ownInputs,
    ),
    filter: bulkFilter,
    dryRun: z.boolean().default(true).meta({ description: 'Count what would happen, and do nothing' }),
  })
  .meta({ id: 'LifecycleBulkInput' });

/** @see bulkInput */
export type BulkDraft = Pick<z.input<typeof bulkInput>, 'command' | 'dryRun'> & {
  input?: CommandInput;
  filter: BulkFilter;
};

/** `collecting`: its customers are being listed; it waits to be run, and is cancelled when nobody lists any for a week. */
export const bulkStatus = z
  .enum(['collecting', 'pending', 'running', 'completed', 'cancelled'])
  .meta({ id: 'LifecycleBulkStatus' });

/** @see bulkStatus */
export type BulkStatus = z.output<typeof bulkStatus>;

const outcome = z.object({
  from: stage.nullable().meta({ description: 'Null: there is no such customer' }),
  to: stage.nullable().meta({ description: 'Null: it was refused' }),
  code: z.string().nullable().meta({ description: 'Why it was refused' }),
  count: z.int(),
});

/** One way that it went, and for how many. */
export type BulkOutcome = z.output<typeof outcome>;

/** A command that is given to many, and how far it is. */
export const bulkView = z
  .object({
    id,
    command: bulkCommand,
    input: commandInput,
    filter: bulkFilter,
    dryRun: z.boolean(),
    status: bulkStatus,
    total: z.int().nullable().meta({ description: 'How many were meant when it began; null before' }),
    processed: z.int(),
    changed: z.int().meta({ description: 'Of a dry run: how many would be' }),
    refused: z.int().meta({ description: 'Each is listed under `/failures`' }),
    outcomes: z.array(outcome),
    createdBy: z.string(),
    createdAt: instant,
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
    cancelRequestedAt: instant.nullable(),
  })
  .meta({ id: 'LifecycleBulkOperation' });

/** @see bulkView */
export type BulkView = z.output<typeof bulkView>;

/** What of an operation can name somebody. */
export type OperationWords = Pick<BulkView, 'filter' | 'input' | 'createdBy'>;

/** An operation as it is kept. */
export type BulkOperation = BulkView & {
  tenantId: string;
  /** The id of the last customer that is done with. */
  cursor: string;
  /** The greatest id of a customer that there was when it was asked for: those with greater ones are not meant. */
  upTo: string;
  /** When somebody last went on with it. */
  touchedAt: number;
  /**
   * What erasures leave of its words while it is not over: its customers are still found, and told, by what stands there.
   * It is shown so from then on, and is so once it is over. Null where nobody was erased, and once it is over.
   */
  erased: OperationWords | null;
};

/** An operation that nobody went on with for so long is taken up by another process. */
export const staleMs = 30_000;

/** Is somebody to go on with it? */
export function isOpen({ status }: BulkOperation): boolean {
  return status === 'pending' || status === 'running';
}

/** What is said of at least so many is no one's own. */
const fewestOfMany = 100;

/** Does it mean so few, as far as they are counted, that what is said may be about one of them? */
export function isOfFew({ total }: Pick<BulkOperation, 'total'>): boolean {
  return (total ?? 0) < fewestOfMany;
}

/** A customer that a command was not given to. */
export const bulkFailure = z
  .object({ id: id.meta({ description: 'The customer’s' }), code: z.string(), message: z.string() })
  .meta({ id: 'LifecycleBulkFailure' });

/** @see bulkFailure */
export type BulkFailure = z.output<typeof bulkFailure>;

/** What can be an id of a customer. */
const targetId = /^[\x21-\x7e]{1,36}$/;

/** The query of who was refused, in the order of their ids: also of those who are listed and not there. */
export const failuresQuery = pageQueryOf(targetId);

/**
 * One line that names a customer. What is no id, e.g. one with a space after it, is the fault of its line; so is one that is
 * longer than an id: a database may cut it to somebody else's.
 */
export const bulkTarget = z
  .object({ customerId: z.string().regex(targetId, 'This is no id of a customer') })
  .meta({ id: 'LifecycleBulkTarget' });

/** An operation as it is shown: without what was said of whoever is erased. */
export function viewOfBulk(operation: BulkOperation): BulkView {
  const { tenantId: _, cursor: __, upTo: ___, touchedAt: ____, erased, ...shown } = operation;
  return { ...shown, ...erased };
}

/** An operation that is over, with what erasures left of its words. */
export function endedOperation(operation: BulkOperation): BulkOperation {
  return { ...operation, ...operation.erased, erased: null };
}
