import type { ScopeIdentity } from '@dotmac/core';
import {
  idPageQuery,
  pageAfter,
  readDraft,
  type ImportedLine,
  type LineResult,
  type Page,
} from '@dotmac/core/contract';
import { importing } from '@dotmac/core/http';
import type { HealthContext } from '../context.js';
import { healthErrors } from '../errors.js';
import { shownAs, type ShownResult } from '../history/shown-result.js';
import { shown } from '../monitoring/directory.js';
import type { StoredEndpoint } from '../store/stored-endpoint.js';
import { changed, pausedOrNot } from './change.js';
import type { Endpoint, EndpointChanges, EndpointDraft, EndpointFilter } from './endpoint.js';
import { linesOf } from './import.js';
import { registration } from './register.js';
import { registrantOf, type RegisteringOptions } from './registrant.js';
import { replacing } from './replace.js';
import { endpointEvent, incidentEnded } from './tell.js';

/** One tenant's endpoints. */
export interface EndpointService {
  /**
   * Registers an endpoint; it is checked within a second or so.
   * @throws INVALID_INPUT (also for an address that the egress policy denies), ENDPOINT_LIMIT_REACHED
   *
   * @example
   * // A router of our own, in a network that tenants may not name.
   * await scope.endpoints.register({ name: 'core-1', host: '10.0.0.1', serviceType: 'icmp' }, { asHost: true });
   */
  register(draft: EndpointDraft, options?: RegisteringOptions): Promise<Endpoint>;
  /**
   * Registers many as they come, and says of each line what became of it; their first checks are spread over their
   * intervals. With `dryRun`, nothing is kept.
   *
   * @example
   * for await (const { line, status, errors } of endpoints.import(drafts)) if (status === 'refused') console.log(line, errors);
   */
  import(
    lines: AsyncIterable<LineResult<EndpointDraft>>,
    options?: { dryRun?: boolean } & RegisteringOptions,
  ): AsyncIterable<ImportedLine>;
  /** {@link import}, of drafts that are there already; what became of each, in their order. */
  registerMany(drafts: Iterable<EndpointDraft>, options?: RegisteringOptions): Promise<ImportedLine[]>;
  /** @throws ENDPOINT_NOT_FOUND */
  get(endpointId: string): Promise<Endpoint>;
  /** In the order of registration. */
  list(ask?: { limit?: number; cursor?: string | undefined } & Partial<EndpointFilter>): Promise<Page<Endpoint>>;
  /**
   * Changes an endpoint. Another target begins anew, with a status of `unknown`. Who changes what is asked of it, or
   * where, or gives it secrets, answers for it from then on: one that the host registered is a tenant's then, and judged
   * as such.
   * @throws ENDPOINT_NOT_FOUND, INVALID_INPUT
   */
  update(endpointId: string, changes: EndpointChanges, options?: RegisteringOptions): Promise<Endpoint>;
  /** Stops checking an endpoint, which is `unknown` meanwhile; pausing it again changes nothing. @throws ENDPOINT_NOT_FOUND */
  pause(endpointId: string): Promise<Endpoint>;
  /** Checks it again. @throws ENDPOINT_NOT_FOUND */
  resume(endpointId: string): Promise<Endpoint>;
  /**
   * Checks an endpoint as soon as a place is free; the result counts like any other. A process that does not monitor
   * checks it by itself, and hands the result over to the one that does.
   * @throws ENDPOINT_NOT_FOUND, ENDPOINT_PAUSED, ENDPOINT_NOT_CHECKED (when this process checks nothing)
   */
  check(endpointId: string): Promise<ShownResult>;
  /** Removes an endpoint and its history. @throws ENDPOINT_NOT_FOUND */
  remove(endpointId: string): Promise<{ message: string }>;
}

/** The endpoints of one scope. */
export function endpointService(context: HealthContext, identity: ScopeIdentity): EndpointService {
  const { store, directory, monitor, recorder, clock, schemas, inTurn } = context;
  const { tenantId } = identity;
  const endpoints = store.tenant(tenantId);
  const register = registration(context, identity);
  const withKeptState = ({ endpoint, state }: StoredEndpoint): Endpoint =>
    shown(endpoint, directory.get(endpoint.id) ?? state ?? undefined);
  const find = async (endpointId: string): Promise<StoredEndpoint> => {
    const found = await endpoints.get(endpointId);
    if (!found) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
    return found;
  };
  const get = async (endpointId: string): Promise<Endpoint> => withKeptState(await find(endpointId));
  const replace = replacing(context, identity, get);
  /** Changes of an endpoint one after another: what this process knows of it is what the last of them left. */
  const inOrder =
    <Rest extends unknown[], Result>(change: (endpointId: string, ...rest: Rest) => Promise<Result>) =>
    (endpointId: string, ...rest: Rest): Promise<Result> =>
      inTurn(JSON.stringify([tenantId, endpointId]), () => change(endpointId, ...rest));
  const setPaused = (endpointId: string, isPaused: boolean): Promise<Endpoint> =>
    replace(endpointId, (before) => pausedOrNot(before, isPaused, clock.now()));

  return {
    register: (draft, options) => register.one(draft, registrantOf(options)),
    import(lines, { dryRun = false, ...options } = {}) {
      const rehearsal = dryRun ? { kept: 0 } : undefined;
      const many = (batch: readonly EndpointDraft[]) => register.many(batch, registrantOf(options), rehearsal);
      return importing(lines, many, dryRun ? 'valid' : 'created');
    },
    async registerMany(drafts, options) {
      const answers: ImportedLine[] = [];
      const many = (batch: readonly EndpointDraft[]) => register.many(batch, registrantOf(options));
      for await (const answer of importing(linesOf(drafts), many, 'created')) answers.push(answer);
      return answers;
    },
    get,
    async list({ limit = 50, cursor, ...filter } = {}) {
      // A status that was found out a moment ago may not be stored yet, and it is the stored one that is filtered by.
      if (filter.status !== undefined) await recorder.showChanges();
      const { items, nextCursor } = await endpoints.list({ limit, after: pageAfter(idPageQuery, cursor), filter });
      return { items: items.map(withKeptState), nextCursor };
    },
    update: inOrder((endpointId, draft, options) => {
      const changes = readDraft(schemas.changes, draft);
      return replace(endpointId, (before) => changed(before, changes, options, context));
    }),
    pause: inOrder((endpointId) => setPaused(endpointId, true)),
    resume: inOrder((endpointId) => setPaused(endpointId, false)),
    async check(endpointId) {
      const { endpoint } = await find(endpointId);
      if (endpoint.pausedAt !== null) throw healthErrors.ENDPOINT_PAUSED({ endpointId });
      const kept = directory.get(endpointId);
      const result = kept && (await monitor.checkNow(kept));
      if (!result) throw healthErrors.ENDPOINT_NOT_CHECKED({ endpointId });
      return shownAs(result);
    },
    remove: inOrder(async (endpointId) => {
      const { endpoint } = await find(endpointId);
      const job = endpoint.serviceType === 'heartbeat' ? await endpoints.heartbeats.get(endpointId) : undefined;
      const removed = endpointEvent('endpoint.removed', endpoint, identity, clock.now());
      await context.change([removed], async (trx, tell) => {
        // As the store has them: whoever monitors may have opened one that this process has not heard of.
        const open = await endpoints.unresolvedOf(endpointId, trx);
        for (const incident of open)
          tell(incidentEnded(incident, endpoint, 'The endpoint was removed', identity, clock.now()));
        if (!(await endpoints.remove(endpointId, trx))) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
        if (job?.token) await store.heartbeatTokens.remove(job.token.hash, trx);
        if (job) await endpoints.heartbeats.remove(endpointId, trx);
      });
      directory.remove(tenantId, endpointId);
      monitor.forget(endpointId);
      return { message: `Endpoint ${endpoint.name} was removed.` };
    }),
  };
}
