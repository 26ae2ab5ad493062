import type { HealthContext } from '../context.js';
import { healthErrors } from '../errors.js';
import type { EndpointRecord } from '../endpoints/endpoint.js';
import type { EndpointChange, WatchTime } from '../store/sharing.js';
import {
  heartbeatSettings,
  pinged,
  silentSoFar,
  type Heartbeat,
  type HeartbeatRecord,
  type Ping,
} from './heartbeat.js';
import { afterSight } from './sight.js';
import { hashOf, newToken, tokenBinding } from './token.js';
import { lateInMs } from './verdict.js';

/** The jobs of one tenant. */
export interface HeartbeatService {
  /** What is known of a job, and where it calls. @throws ENDPOINT_NOT_FOUND, NO_HEARTBEAT, HEARTBEAT_NEEDS_SECRET */
  get(endpointId: string): Promise<Heartbeat>;
  /** Makes the paths that were given before worthless. @throws ENDPOINT_NOT_FOUND, NO_HEARTBEAT, HEARTBEAT_NEEDS_SECRET */
  rotate(endpointId: string): Promise<Heartbeat>;
  /** What a job says, told in code. Stored when it resolves. @throws ENDPOINT_NOT_FOUND, NO_HEARTBEAT */
  ping(endpointId: string, call?: { kind?: Ping['kind']; exitStatus?: number | null }): Promise<void>;
}

/** What anybody can do who knows a job's token. */
export interface OpenHeartbeats {
  /**
   * @param signal `start`, `fail`, an exit status from 0 to 255, or undefined for success
   * @throws HEARTBEAT_NOT_FOUND
   */
  call(token: string, signal?: string): Promise<{ message: string }>;
}

const everywhere = '/network-monitoring/heartbeats/';

/** The jobs of one scope. */
export function heartbeatService(context: HealthContext, tenantId: string): HeartbeatService {
  const { store, sealer, clock } = context;
  const { heartbeats } = store.tenant(tenantId);
  const find = async (endpointId: string): Promise<EndpointRecord> => {
    const found = await store.tenant(tenantId).get(endpointId);
    if (!found) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
    if (found.endpoint.serviceType !== 'heartbeat') throw healthErrors.NO_HEARTBEAT({ endpointId });
    return found.endpoint;
  };
  const show = (endpoint: EndpointRecord, record: HeartbeatRecord, token: string, watched: WatchTime): Heartbeat => {
    const { startedAt, succeededAt, failedAt, pings } = record;
    const now = clock.now();
    const seen = afterSight(record, { at: now, watchedMs: watched.ms }, endpoint.createdAt);
    const lateAt = Math.ceil(now + lateInMs(seen, heartbeatSettings.parse(endpoint.config), { ...watched, now }));
    const lasts = { lastStart: startedAt, lastSuccess: succeededAt, lastFailure: failedAt };
    return { path: everywhere + token, ...lasts, expectedBy: Number.isFinite(lateAt) ? lateAt : null, pings };
  };
  /** The job with a token that can be read: the one that it has, unless that is to be replaced or cannot be opened. */
  const withToken = async (endpoint: EndpointRecord, isNew: boolean): Promise<Heartbeat> => {
    if (!sealer) throw healthErrors.HEARTBEAT_NEEDS_SECRET({});
    const { id: endpointId } = endpoint;
    const binding = tokenBinding(tenantId, endpointId);
    const watched = await context.watch.read();
    return store.transaction(async (trx) => {
      let token: string | undefined;
      let before: HeartbeatRecord['token'] = null;
      const record = await heartbeats.change(
        endpointId,
        (known = silentSoFar(tenantId, endpointId)) => {
          before = known.token;
          token = isNew || !before ? undefined : sealer.unseal(before.sealed, binding);
          if (token !== undefined) return known;
          token = newToken();
          return { ...known, token: { sealed: sealer.seal(token, binding), hash: hashOf(token) } };
        },
        trx,
      );
      const [was, is] = [(before as HeartbeatRecord['token'])?.hash, record.token?.hash ?? ''];
      if (was !== is) {
        if (was !== undefined) await store.heartbeatTokens.remove(was, trx);
        await store.heartbeatTokens.insert({ id: is, tenantId, endpointId }, trx);
      }
      return show(endpoint, record, token ?? '', watched);
    });
  };
  return {
    get: async (endpointId) => withToken(await find(endpointId), false),
    rotate: async (endpointId) => withToken(await find(endpointId), true),
    async ping(endpointId, { kind = 'success', exitStatus = null } = {}) {
      await find(endpointId);
      const call = { kind, exitStatus, at: clock.now() };
      await take(context, { tenantId, endpointId }, (known = silentSoFar(tenantId, endpointId)) => pinged(known, call));
    },
  };
}

/** Takes calls from anybody who knows a token. */
export function openHeartbeats(context: HealthContext): OpenHeartbeats {
  const { store, clock } = context;
  return {
    async call(token, signal) {
      const call = callOf(signal);
      const found = call && (await store.heartbeatTokens.get(hashOf(token)));
      if (!found) throw healthErrors.HEARTBEAT_NOT_FOUND({});
      const { tenantId, endpointId } = found;
      const at = clock.now();
      await take(context, { tenantId, endpointId }, (known) => {
        // Removed or replaced since it was found.
        if (known?.token?.hash !== found.id) throw healthErrors.HEARTBEAT_NOT_FOUND({});
        return pinged(known, { ...call, at });
      });
      return { message: 'OK' };
    },
  };
}

function callOf(signal: string | undefined): Pick<Ping, 'kind' | 'exitStatus'> | undefined {
  if (signal === undefined) return { kind: 'success', exitStatus: null };
  if (signal === 'start') return { kind: 'start', exitStatus: null };
  if (signal === 'fail') return { kind: 'fail', exitStatus: null };
  const exitStatus = /^\d{1,3}$/.test(signal) ? Number(signal) : Infinity;
  return exitStatus > 255 ? undefined : { kind: exitStatus === 0 ? 'success' : 'fail', exitStatus };
}

/** Stores a call. It changes what is to be said: whoever monitors looks at once. */
async function take(
  { store, directory, monitor, monitoring, tellOthers }: HealthContext,
  { tenantId, endpointId }: Pick<EndpointChange, 'tenantId' | 'endpointId'>,
  change: (known: HeartbeatRecord | undefined) => HeartbeatRecord,
): Promise<void> {
  await store.transaction(async (trx) => {
    await store.tenant(tenantId).heartbeats.change(endpointId, change, trx);
    if (monitoring().role !== 'monitoring') await tellOthers([{ tenantId, endpointId }], trx);
  });
  const kept = directory.get(endpointId);
  if (monitoring().role === 'monitoring' && kept?.endpoint.pausedAt === null) void monitor.checkNow(kept);
}
