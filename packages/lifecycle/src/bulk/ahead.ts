import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { StepAtOnce } from '../customers/step.js';
import { lifecycleErrors } from '../errors.js';
import type { BulkCandidate } from '../store/store.js';
import { prepareBatch, type Batch } from './batch.js';
import type { BulkOperation } from './operation.js';
import { hasOwnWords, plannable, planOne, refusedFor, type BulkResult, type Planned } from './plan.js';

/** Customers that are read at once, and written at once. */
const batchSize = 2_000;
/** Customers that are judged before others get a turn: what the database answers meanwhile is not to wait. */
const judgedInTurn = 100;

/** Neighbours that are done in the same way: at once, or one after the other. */
export type Run = Batch | { alone: readonly string[] };

/** Reads and judges the customers of an operation, a batch ahead of who writes them. */
export interface Ahead {
  /** What comes after the operation's cursor; nothing: it is over. */
  next(operation: BulkOperation): Promise<readonly Run[]>;
  /** From now on these are done alone, under their locks: others change them as well. */
  leaveAlone(customerIds: readonly string[]): void;
}

interface Ready {
  runs: readonly Run[];
  /** Where to read on, if there may be more. */
  last: string | undefined;
}

/** Begins to read ahead of one who goes on with an operation. */
export function readAhead(context: LifecycleContext): Ahead {
  const others = new Set<string>();
  let following: { cursor: string; ready: Promise<Ready> } | undefined;
  const read = async (operation: BulkOperation): Promise<Ready> => {
    const { tenantId, createdBy, command, input, dryRun } = operation;
    const identity: ScopeIdentity = { tenantId, actor: createdBy };
    const step = plannable(context, identity, command, input);
    const found = await context.store.tenant(tenantId).bulk.next(operation, batchSize);
    const isOwn = hasOwnWords(context, operation);
    const isAlone = ({ id, isServed }: BulkCandidate): boolean => !dryRun && (isOwn || isServed || others.has(id));
    const judged = await judge(context, step, found, isAlone, context.clock.now());
    const runs = neighbours(judged).map(({ together, alone }): Run =>
      together ? prepareBatch(context, identity, together, dryRun) : { alone },
    );
    return { runs, last: found.length === batchSize ? found.at(-1)?.id : undefined };
  };
  return {
    async next(operation) {
      const { runs, last } = await (following?.cursor === operation.cursor ? following.ready : read(operation));
      following = undefined;
      if (last !== undefined) {
        following = { cursor: last, ready: read({ ...operation, cursor: last }) };
        // Who comes for it is told.
        following.ready.catch(() => undefined);
      }
      return runs;
    },
    leaveAlone(customerIds) {
      for (const id of customerIds) others.add(id);
    },
  };
}

interface Judged {
  id: string;
  /** What is to be written, or why nothing is; undefined for who is to be done alone. */
  plan: Planned | BulkResult | undefined;
}

async function judge(
  context: LifecycleContext,
  step: StepAtOnce | undefined,
  candidates: readonly BulkCandidate[],
  isAlone: (candidate: BulkCandidate) => boolean,
  now: number,
): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const [index, candidate] of candidates.entries()) {
    if (index % judgedInTurn === judgedInTurn - 1) await endOfTurn();
    const { id, customer } = candidate;
    if (!step || isAlone(candidate)) judged.push({ id, plan: undefined });
    else if (customer) {
      // Not before what is recorded of this one already, should the clock have been set back.
      const at = Math.max(now, customer.updatedAt);
      judged.push({ id, plan: planOne(context, step, customer, at) });
    } else judged.push({ id, plan: refusedFor(id, null, lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId: id })) });
  }
  return judged;
}

function neighbours(judged: readonly Judged[]): { together?: (Planned | BulkResult)[]; alone: string[] }[] {
  const found: ReturnType<typeof neighbours> = [];
  for (const { id, plan } of judged) {
    let last = found.at(-1);
    if (!last || (last.together !== undefined) !== (plan !== undefined))
      found.push((last = { ...(plan && { together: [] }), alone: [] }));
    if (plan) last.together?.push(plan);
    else last.alone.push(id);
  }
  return found;
}
