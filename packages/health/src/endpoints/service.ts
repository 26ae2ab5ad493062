import { newId, type ScopeIdentity, type Sealer } from '@dotmac/core';
import {
  idPageQuery,
  invalidInput,
  pageAfter,
  readDraft,
  type ImportedLine,
  type LineResult,
  type Page,
} from '@dotmac/core/contract';
import { importing } from '@dotmac/core/http';
import type { HealthContext } from '../context.js';
import { healthErrors } from '../errors.js';
import { healthEvents, type HealthEvents } from '../events.js';
import type { IncidentRecord } from '../incidents/incident.js';
import { shownAs, type ShownResult } from '../history/shown-result.js';
import { lastingOf, shown, uncheckedState, type KeptState } from '../monitoring/directory.js';
import type { StoredEndpoint } from '../store/store.js';
import { faultsOf, faultsOfDependencies } from './check-endpoint.js';
import {
  type Endpoint,
  type EndpointChanges,
  type EndpointDraft,
  type EndpointFilter,
  type EndpointRecord,
} from './endpoint.js';
import { linesOf } from './import.js';
import { asksTheSame, registrantOf, type RegisteringOptions, type Registrant } from './registrant.js';
import { keepsSecrets, sameOrigin, sealSecrets } from './secrets.js';
import { stateAfter } from './state-after.js';

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

type EventName = Extract<keyof HealthEvents, 'endpoint.registered' | 'endpoint.updated' | 'endpoint.removed'>;

/** The endpoints of one scope. */
export function endpointService(context: HealthContext, { tenantId, actor }: ScopeIdentity): EndpointService {
  const { store, directory, monitor, recorder, clock, sealer, schemas, maxEndpoints, places, inTurn } = context;
  const endpoints = store.tenant(tenantId);
  const withKeptState = ({ endpoint, state }: StoredEndpoint): Endpoint =>
    shown(endpoint, directory.get(endpoint.id) ?? state ?? undefined);
  const find = async (endpointId: string): Promise<StoredEndpoint> => {
    const found = await endpoints.get(endpointId);
    if (!found) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
    return found;
  };
  /** Changes of an endpoint one after another: what this process knows of it is what the last of them left. */
  const inOrder =
    <Rest extends unknown[], Result>(change: (endpointId: string, ...rest: Rest) => Promise<Result>) =>
    (endpointId: string, ...rest: Rest): Promise<Result> =>
      inTurn(JSON.stringify([tenantId, endpointId]), () => change(endpointId, ...rest));
  const eventOf = (name: EventName, { id: subject, name: called, serviceType }: EndpointRecord) =>
    healthEvents.create(name, { tenantId, actor, subject, at: clock.now(), data: { name: called, serviceType } });
  const check = (endpoint: EndpointRecord, before?: EndpointRecord): void => {
    const issues = [...faultsOf(endpoint, context), ...faultsOfDependencies(endpoint, directory, before?.dependsOn)];
    if (issues.length > 0) throw invalidInput(issues);
  };
  const keep = (endpoint: EndpointRecord, state?: KeptState, isOneOfMany = false): Endpoint => {
    const before = directory.get(endpoint.id);
    // Another process changed it since, and that is known here already.
    if (before && before.endpoint.updatedAt > endpoint.updatedAt) return shown(endpoint, before);
    const kept = directory.add(endpoint, state ?? { ...uncheckedState, ...lastingOf(before) });
    monitor.watch(kept, isOneOfMany);
    return shown(endpoint, kept);
  };
  /** A draft as a record that can be kept, and has a place. */
  const recordOf = (draft: EndpointDraft, registeredBy: Registrant, besides = 0): EndpointRecord => {
    const { secrets, paused, ...input } = readDraft(schemas.input, draft);
    const [now, pausedAt] = [clock.now(), paused ? clock.now() : null];
    const bare = { ...input, id: newId(), tenantId, registeredBy, pausedAt, createdAt: now, updatedAt: now };
    check({ ...bare, secrets });
    const record = { ...bare, secrets: sealed(sealer, bare, secrets) };
    if (!places.take(tenantId, besides)) throw healthErrors.ENDPOINT_LIMIT_REACHED({ limit: maxEndpoints });
    return record;
  };
  /** A rehearsal keeps nothing, and counts what would have been kept of the batches before. */
  const registerMany = async (
    drafts: readonly EndpointDraft[],
    registeredBy: Registrant,
    rehearsal?: { kept: number },
  ) => {
    const records: EndpointRecord[] = [];
    const results = drafts.map((draft) => {
      try {
        const record = recordOf(draft, registeredBy, rehearsal?.kept);
        records.push(record);
        return { id: record.id };
      } catch (error) {
        return { error };
      }
    });
    try {
      if (rehearsal) rehearsal.kept += records.length;
      if (rehearsal || records.length === 0) return results;
      await context.change(
        records.map((record) => eventOf('endpoint.registered', record)),
        async (trx) => {
          for (const record of records) await endpoints.insert(record, trx);
        },
      );
      for (const record of records) keep(record, undefined, true);
      return results;
    } finally {
      places.release(tenantId, records.length);
    }
  };
  /** That an incident is over, for what somebody did to its endpoint. */
  const endedBy = (incident: IncidentRecord, { tags }: EndpointRecord, text: string) => {
    const at = clock.now();
    const { endpointId: subject, endpointName, id: incidentId, severity, startedAt } = incident;
    const told = { incidentId, endpointName, severity, startedAt, resolvedAt: Math.max(at, startedAt) };
    const data = { ...told, code: null, text, tags, flapping: false };
    return healthEvents.create('incident.resolved', { tenantId, actor, subject, at, data });
  };
  /**
   * Puts what is made of an endpoint in its place: of what the store has then, for other processes change it too. Asked
   * somewhere else, it begins anew.
   */
  const replace = async (id: string, make: (before: EndpointRecord) => EndpointRecord): Promise<Endpoint> => {
    const ended = new Set<string>();
    const { before, after } = await context.change([], async (trx, tell) => {
      ended.clear();
      const changed = await endpoints.change(id, make, trx);
      if (!changed) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId: id });
      const { before, after } = changed;
      if (after === before) return changed;
      tell(eventOf('endpoint.updated', after));
      if (sameOrigin(before, after)) return changed;
      for (const incident of await endpoints.unresolvedOf(id, trx)) {
        const event = endedBy(incident, before, 'The endpoint was changed');
        const { at, data } = event;
        const entry = { id: newId(), at, kind: 'resolved' as const, actor, code: null, text: data.text };
        const { resolvedAt } = data;
        if (!(await endpoints.noteIncident(incident.id, entry, { resolvedAt }, trx))) continue;
        tell(event);
        ended.add(incident.id);
      }
      return changed;
    });
    // As it is known now: a check may have ended while this was written, and begun an incident.
    const known = directory.get(id);
    if (after === before) return known ? shown(after, known) : withKeptState(await find(id));
    if (known?.incident && ended.has(known.incident.id)) known.incident = null;
    return keep(after, stateAfter(before, after, known ?? (await endpoints.get(id))?.state ?? undefined));
  };
  /** When it was changed tells changes apart: another process may have made the last one within this millisecond. */
  const updatedAt = (before: EndpointRecord): number => Math.max(clock.now(), before.updatedAt + 1);
  const setPaused = (endpointId: string, isPaused: boolean): Promise<Endpoint> =>
    replace(endpointId, (before) => {
      if ((before.pausedAt !== null) === isPaused) return before;
      return { ...before, pausedAt: isPaused ? clock.now() : null, updatedAt: updatedAt(before) };
    });

  return {
    async register(draft, options) {
      const endpoint = recordOf(draft, registrantOf(options));
      try {
        await context.change([eventOf('endpoint.registered', endpoint)], (trx) => endpoints.insert(endpoint, trx));
        return keep(endpoint);
      } finally {
        places.release(tenantId, 1);
      }
    },
    import(lines, { dryRun = false, ...options } = {}) {
      const rehearsal = dryRun ? { kept: 0 } : undefined;
      const register = (batch: readonly EndpointDraft[]) => registerMany(batch, registrantOf(options), rehearsal);
      return importing(lines, register, dryRun ? 'valid' : 'created');
    },
    async registerMany(drafts, options) {
      const answers: ImportedLine[] = [];
      const register = (batch: readonly EndpointDraft[]) => registerMany(batch, registrantOf(options));
      for await (const answer of importing(linesOf(drafts), register, 'created')) answers.push(answer);
      return answers;
    },
    get: async (endpointId) => withKeptState(await find(endpointId)),
    async list({ limit = 50, cursor, ...filter } = {}) {
      // A status that was found out a moment ago may not be stored yet, and it is the stored one that is filtered by.
      if (filter.status !== undefined) await recorder.showChanges();
      const { items, nextCursor } = await endpoints.list({ limit, after: pageAfter(idPageQuery, cursor), filter });
      return { items: items.map(withKeptState), nextCursor };
    },
    update: inOrder((endpointId, draft, options) => {
      const { secrets: given = {}, ...changes } = readDraft(schemas.changes, draft);
      const defined = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
      return replace(endpointId, (before) => {
        const { id, pausedAt, createdAt, registeredBy: by, ...settings } = before;
        const { tenantId: _, secrets: __, updatedAt: ___, ...asked } = settings;
        // Whole again, it has to fit as a new one would.
        const { secrets: ____, paused: _____, ...input } = readDraft(schemas.input, { ...asked, ...defined });
        // What a secret says is sent as well: whoever gives one says a part of what is asked.
        const isAskedTheSame = asksTheSame(before, input) && Object.keys(given).length === 0;
        const registeredBy = isAskedTheSame && !options?.asHost ? by : registrantOf(options);
        const bare = { ...input, id, tenantId, registeredBy, pausedAt, createdAt, updatedAt: updatedAt(before) };
        const isKept = keepsSecrets(before, bare);
        const set = Object.entries(given).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
        const kept = Object.entries(isKept ? before.secrets : {}).filter(([name]) => !Object.hasOwn(given, name));
        check({ ...bare, secrets: Object.fromEntries([...kept, ...set]) }, before);
        const secrets = { ...Object.fromEntries(kept), ...sealed(sealer, bare, Object.fromEntries(set)) };
        return { ...bare, secrets };
      });
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
      await context.change([eventOf('endpoint.removed', endpoint)], async (trx, tell) => {
        // As the store has them: whoever monitors may have opened one that this process has not heard of.
        const open = await endpoints.unresolvedOf(endpointId, trx);
        for (const incident of open) tell(endedBy(incident, endpoint, 'The endpoint was removed'));
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

function sealed(
  sealer: Sealer | undefined,
  endpoint: Omit<EndpointRecord, 'secrets'>,
  secrets: Readonly<Record<string, string>>,
): Record<string, string> {
  if (Object.keys(secrets).length === 0) return {};
  if (!sealer)
    throw invalidInput([{ path: 'secrets', message: 'The host application set no secret to seal them with' }]);
  return sealSecrets(sealer, endpoint, secrets);
}
