import { describeError, newId, type ScopeIdentity } from '@dotmac/core';
import {
  invalidInput,
  readDraft,
  type ImportedLine,
  type LineResult,
  type OnceAsked,
  type Page,
} from '@dotmac/core/contract';
import { importing } from '@dotmac/core/http';
import { writtenInput } from '../commands/input.js';
import type { LifecycleContext } from '../context.js';
import type { RegistrationDraft } from '../customers/customer.js';
import { takeTurn, type Turn } from '../customers/turn.js';
import { lifecycleErrors } from '../errors.js';
import { goneBefore } from '../retention.js';
import { checkFilter, writtenFilter } from '../search/filter.js';
import { bulkKey } from '../store/store.js';
import { checkCommand } from './check-command.js';
import { registerMany } from './import.js';
import {
  bulkInput,
  bulkTarget,
  viewOfBulk,
  type BulkDraft,
  type BulkFailure,
  type BulkOperation,
  type BulkStatus,
  type BulkView,
} from './operation.js';

/** One command for many of one tenant's customers, and many registrations. */
export interface BulkService {
  /**
   * Gives a command to every customer that a filter means and that there is now, in the background; a dry run first,
   * unless `dryRun` is false. Each is judged by itself; the history of each says the same as if it had been given alone.
   * @throws INVALID_INPUT, SERVICE_TEMPLATE_NOT_FOUND, INVALID_SERVICE_CONFIG, BULK_LIMIT, and what commands throw for their `idempotencyKey`
   */
  start(draft: BulkDraft, options?: OnceAsked): Promise<BulkView>;
  /**
   * Does what a dry run counted, once that is over, anew; or begins with customers that were listed.
   * @throws BULK_NOT_FOUND, BULK_LIMIT, BULK_NOT_RUNNABLE, and what commands throw for their `idempotencyKey`
   */
  run(operationId: string, options?: OnceAsked): Promise<BulkView>;
  /**
   * Lists customers of an operation that is `collecting`; each line is answered. Those that come after it was begun or
   * cancelled are not listed: the stream ends with the error.
   * @throws BULK_NOT_FOUND, BULK_NOT_COLLECTING
   */
  list(
    operationId: string,
    lines: AsyncIterable<LineResult<{ customerId: string }>>,
  ): Promise<AsyncIterable<ImportedLine>>;
  /** @throws BULK_NOT_FOUND */
  get(operationId: string): Promise<BulkView>;
  /** Newest first. */
  operations(ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<BulkView>>;
  /** Who was refused, and why, in the order of their ids. @throws BULK_NOT_FOUND */
  failures(operationId: string, ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<BulkFailure>>;
  /** Stops after the batches that are under way; what is done stays. @throws BULK_NOT_FOUND */
  cancel(operationId: string): Promise<BulkView>;
  /**
   * Registers customers as their lines come, and answers each in its order. Of a dry run nothing is kept, and no hook of
   * `customer.register` is asked: it may still refuse.
   */
  import(
    lines: AsyncIterable<LineResult<RegistrationDraft>>,
    options?: { dryRun?: boolean },
  ): AsyncIterable<ImportedLine>;
}

/** Operations of one tenant that are not over. */
const mostOpen = 20;

/** Operations on many, of one scope. */
export function bulkService(context: LifecycleContext, identity: ScopeIdentity): BulkService {
  const { store, clock, waker, logger } = context;
  const { bulk, limits } = store.tenant(identity.tenantId);
  const find = async (operationId: string): Promise<BulkOperation> => {
    const found = await bulk.get(operationId);
    const isGone = (found?.endedAt ?? Infinity) < goneBefore(clock, context.keptDays.bulk);
    if (!found || isGone) throw lifecycleErrors.BULK_NOT_FOUND({ operationId });
    return found;
  };
  /** Begins one, in the transaction that keeps the answer; with the words and the listed customers of `from`. */
  const begin = async (turn: Turn<BulkView>, asked: BulkOperation, from?: string): Promise<BulkView> => {
    return turn.commit(async (trx) => {
      await limits.lock('open-bulk-operations', trx);
      if ((await bulk.countOpen(trx)) >= mostOpen) throw lifecycleErrors.BULK_LIMIT({ limit: mostOpen });
      // As it is by now, and stays: what is taken out for somebody who is erased is not to come back.
      const source = from === undefined ? asked : await bulk.get(from, trx);
      if (!source) throw lifecycleErrors.BULK_NOT_FOUND({ operationId: from ?? '' });
      const operation: BulkOperation = { ...asked, filter: source.filter, input: source.input };
      await bulk.insert(operation, trx);
      if (from !== undefined && operation.filter.listed) await bulk.copyTargets(from, operation.id, trx);
      store.afterCommit(trx, () => wake(operation));
      return { answer: viewOfBulk(operation), customer: null };
    });
  };
  const wake = ({ id, status }: BulkOperation): void => {
    if (status === 'collecting') return;
    // A wake-up that is lost is found by the sweep.
    Promise.resolve(waker.wake(bulkKey(identity.tenantId, id), clock.now())).catch((error: unknown) =>
      logger.warn({ operationId: id, ...describeError(error) }, 'a wake-up was lost'),
    );
  };
  const turnOf = (command: string, subject: string | null, input: unknown, options?: OnceAsked) =>
    takeTurn<BulkView>(context, identity, { command, subject, input }, options);
  const fresh = async (
    given: Pick<BulkOperation, 'command' | 'input' | 'filter' | 'dryRun'>,
  ): Promise<BulkOperation> => {
    return {
      ...given,
      id: newId(),
      tenantId: identity.tenantId,
      status: given.filter.listed ? 'collecting' : 'pending',
      total: null,
      processed: 0,
      changed: 0,
      refused: 0,
      outcomes: [],
      createdBy: identity.actor,
      createdAt: clock.now(),
      startedAt: null,
      endedAt: null,
      cancelRequestedAt: null,
      touchedAt: clock.now(),
      cursor: '',
      // Read, and not made: ids begin with the clock of the process that registers, which may be ahead of ours.
      upTo: given.filter.listed ? '~' : await bulk.lastId(),
      erased: null,
    };
  };

  return {
    async start(draft, options) {
      const written = { ...draft, ...writtenInput(draft.input), filter: writtenFilter(draft.filter) };
      const asked = readDraft(bulkInput, written);
      const { command, input, filter, dryRun } = asked;
      const turn = await turnOf('startBulk', null, asked, options);
      if (turn.first) return turn.first;
      await checkCommand(context, command, input);
      if (Object.values(filter).some((value) => Array.isArray(value) && value.length === 0))
        throw invalidInput([{ path: 'filter', message: 'Nobody is meant' }]);
      checkFilter(context, filter, 'filter.attribute');
      return begin(turn, await fresh({ command, input, filter, dryRun }));
    },
    async run(operationId, options) {
      const turn = await turnOf('runBulk', operationId, {}, options);
      if (turn.first) return turn.first;
      const found = await find(operationId);
      if (found.status === 'collecting') {
        return turn.commit(async (trx) => {
          // Another has begun it meanwhile, or cancelled it.
          if (!(await bulk.begin(operationId, trx)))
            throw lifecycleErrors.BULK_NOT_RUNNABLE({ operationId, status: 'no longer collecting' });
          // Read anew: who was erased since is not to be named in the answer, which is kept.
          const pending = (await bulk.get(operationId, trx)) ?? { ...found, status: 'pending' };
          store.afterCommit(trx, () => wake(pending));
          return { answer: viewOfBulk(pending), customer: null };
        });
      }
      // A dry run that is not over, or was cancelled, has not counted it all: who asks for it twice does not mean the real one.
      if (!found.dryRun || found.status !== 'completed')
        return turn.refused(lifecycleErrors.BULK_NOT_RUNNABLE({ operationId, status: found.status }));
      const { command, input, filter } = found;
      const operation: BulkOperation = {
        ...(await fresh({ command, input, filter, dryRun: false })),
        status: 'pending',
      };
      return begin(turn, operation, operationId);
    },
    async list(operationId, lines) {
      const { status } = await find(operationId);
      const notCollecting = (now: BulkStatus) => lifecycleErrors.BULK_NOT_COLLECTING({ operationId, status: now });
      if (status !== 'collecting') throw notCollecting(status);
      const add = async (targets: readonly { customerId: string }[]) => {
        const read = targets.map((target): { id: string } | { error: unknown } => {
          try {
            return { id: readDraft(bulkTarget, target).customerId };
          } catch (error) {
            return { error };
          }
        });
        const ids = read.flatMap((it) => ('id' in it ? [it.id] : []));
        const isListed = await store.transaction(async (trx) => {
          // Another has begun it meanwhile, or cancelled it: who is listed now would not be meant.
          if (!(await bulk.touch(operationId, clock.now(), trx))) return false;
          await bulk.addTargets(operationId, ids, trx);
          return true;
        });
        if (!isListed) throw notCollecting((await find(operationId)).status);
        return read;
      };
      return importing(lines, add, 'created');
    },
    get: async (operationId) => viewOfBulk(await find(operationId)),
    async operations({ limit = 50, cursor } = {}) {
      const { items, nextCursor } = await bulk.list({ limit, cursor });
      return { items: items.map(viewOfBulk), nextCursor };
    },
    async failures(operationId, { limit = 50, cursor } = {}) {
      await find(operationId);
      return bulk.failures({ operationId, limit, cursor });
    },
    async cancel(operationId) {
      await find(operationId);
      await bulk.requestCancel(operationId, clock.now());
      const found = await find(operationId);
      wake(found);
      return viewOfBulk(found);
    },
    import: (lines, { dryRun = false } = {}) =>
      importing(lines, (drafts) => registerMany(context, identity, drafts, dryRun), dryRun ? 'valid' : 'created'),
  };
}
