import { isOperationError, type ScopeIdentity, type StoreTransaction } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { registration, type RegistrationDraft } from '../customers/customer.js';
import { entriesForHook } from '../customers/record.js';
import { registerAll, type Registered } from '../customers/register.js';
import { customerService } from '../customers/service.js';
import { hooksOf } from '../hooks.js';

type Result = { id: string } | { error: unknown };

const isHooks = (error: { code: string }): boolean => error.code === 'HOOK_FAILED';

const undone = new Error('this was a dry run');

/**
 * Registers customers, one result each. Without hooks they are written in a few statements, and in one commit: who is
 * refused holds nobody up. A dry run is carried out so, and undone: hooks, which may do what cannot be undone, are not asked.
 */
export async function registerMany(
  context: LifecycleContext,
  identity: ScopeIdentity,
  drafts: readonly RegistrationDraft[],
  dryRun: boolean,
): Promise<Result[]> {
  const { before, inTransaction } = hooksOf(context, 'customer.register');
  const customers = customerService(context, identity);
  const register = async (draft: RegistrationDraft): Promise<Result> => {
    try {
      return { id: (await customers.register(draft)).id };
    } catch (error) {
      return refusal(error);
    }
  };
  const isHooked = before !== undefined || inTransaction !== undefined;
  // A hook of the host's may fail in the middle, and takes its time: each by itself then.
  if (isHooked && !dryRun) return oneByOne(drafts, register);
  let results: Result[] = [];
  try {
    await context.store.transaction(async (trx) => {
      results = await registerTogether(context, identity, drafts, trx);
      if (dryRun) throw undone;
    });
  } catch (error) {
    if (error !== undone) throw error;
  }
  return results;
}

/** Those that are no registration at all, refused; and the others at once. */
async function registerTogether(
  context: LifecycleContext,
  identity: ScopeIdentity,
  drafts: readonly RegistrationDraft[],
  trx: StoreTransaction,
): Promise<Result[]> {
  const read = drafts.map((draft) => {
    try {
      return { input: readDraft(registration, draft) };
    } catch (error) {
      return refusal(error);
    }
  });
  const inputs = read.flatMap((it) => ('input' in it ? [it.input] : []));
  const registered = await registerAll(context, identity, inputs, trx);
  const hooked = registered.flatMap((it) => {
    if ('error' in it) return [];
    const { id: customerId, createdAt: at } = it.customer;
    return entriesForHook(context, identity, 'customer.register', { customerId, at, state: it.customer });
  });
  await context.store.outbox.append(hooked, trx);
  const next = registered.values();
  return read.map((it) => {
    if ('error' in it) return it;
    const made = next.next().value as Registered;
    return 'error' in made ? made : { id: made.customer.id };
  });
}

async function oneByOne(
  drafts: readonly RegistrationDraft[],
  register: (draft: RegistrationDraft) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const draft of drafts) results.push(await register(draft));
  return results;
}

/** What a line is refused for; what is no fault of it is thrown. */
function refusal(error: unknown): { error: unknown } {
  if (!isOperationError(error) || error.kind === 'unavailable' || (error.kind === 'internal' && !isHooks(error)))
    throw error;
  return { error };
}
