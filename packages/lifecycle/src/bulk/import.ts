import { isOperationError, type ScopeIdentity, type StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { RegistrationDraft } from '../customers/customer.js';
import { customerService } from '../customers/service.js';
import { hooksOf } from '../hooks.js';

type Result = { id: string } | { error: unknown };

const isHooks = (error: { code: string }): boolean => error.code === 'HOOK_FAILED';

const undone = new Error('this was a dry run');

/**
 * Registers customers, one result each. Without hooks they share a transaction, and with it a commit: who is refused holds
 * nobody up. A dry run is carried out and undone.
 */
export async function registerMany(
  context: LifecycleContext,
  identity: ScopeIdentity,
  drafts: readonly RegistrationDraft[],
  dryRun: boolean,
): Promise<Result[]> {
  const { store } = context;
  const customers = customerService(context, identity);
  const { before, inTransaction } = hooksOf(context, 'customer.register');
  const register = async (draft: RegistrationDraft, trx?: StoreTransaction): Promise<Result> => {
    try {
      return { id: (await customers.register(draft, { trx })).id };
    } catch (error) {
      if (!isOperationError(error) || error.kind === 'unavailable' || (error.kind === 'internal' && !isHooks(error)))
        throw error;
      return { error };
    }
  };
  // A hook of the host's may fail in the middle, and takes its time: each by itself then.
  if (!dryRun && (before || inTransaction)) {
    const results: Result[] = [];
    for (const draft of drafts) results.push(await register(draft));
    return results;
  }
  let results: Result[] = [];
  try {
    await store.transaction(async (trx) => {
      results = [];
      for (const draft of drafts) results.push(await register(draft, trx));
      if (dryRun) throw undone;
    });
  } catch (error) {
    if (error !== undone) throw error;
  }
  return results;
}
