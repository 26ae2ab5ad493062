import type { Clock } from '@dotmac/core';
import { stateAfter } from '../endpoints/state-after.js';
import type { Recorder } from '../history/recorder.js';
import { lastingOf, uncheckedState, type Directory, type KeptEndpoint } from '../monitoring/directory.js';
import { restored } from '../monitoring/load-endpoints.js';
import type { Monitor } from '../monitoring/monitor.js';
import type { EndpointChange } from '../store/sharing.js';
import type { HealthStore } from '../store/store.js';
import type { StoredEndpoint } from '../store/stored-endpoint.js';
import { unseenSince } from './unseen-since.js';

/** Takes up what other processes did to endpoints, and found out about them. */
export interface Follower {
  /** Notes where the store is; before it is read. */
  begin(): Promise<void>;
  /** Takes up what others changed since. */
  followChanges(isLeading: boolean): Promise<void>;
  /** Takes up the states that were settled since. */
  followStates(): Promise<void>;
  /** Judges some of what others found out, and says whether there may be more. */
  takeHanded(): Promise<boolean>;
}

/** What a follower works with. */
export interface FollowerOptions {
  store: HealthStore;
  directory: Directory;
  monitor: Pick<Monitor, 'watch' | 'isMany' | 'forget' | 'take'>;
  recorder: Pick<Recorder, 'touch' | 'readHanded' | 'judged' | 'showChanges'>;
  /** Names this process; never given twice. */
  origin: string;
  clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** A transaction may take so long from noting a change to its commit. */
const lateMs = 30_000;
const pageSize = 1_000;
const idsAtOnce = 200;
const statesAtOnce = 500;

/** @see Follower */
export function createFollower(options: FollowerOptions): Follower {
  const { store, directory, monitor, recorder, origin, clock } = options;
  const unseenFrom = unseenSince(lateMs, clock);
  let revision = 0;
  /** Changes that were taken up, by when they were noted: they are seen again as long as others may come late. */
  const seen = new Map<string, number>();

  const unseen = async (): Promise<EndpointChange[]> => {
    const found: EndpointChange[] = [];
    const since = unseenFrom.look(await store.time());
    let after: EndpointChange | null = null;
    for (;;) {
      const page: EndpointChange[] = await store.changesSince({ origin, since, after, limit: pageSize });
      found.push(...page.filter(({ id }) => !seen.has(id)));
      after = page.at(-1) ?? after;
      if (page.length < pageSize) break;
    }
    for (const [id, at] of seen) if (at < since) seen.delete(id);
    return found;
  };
  /** Somebody may have ended its incident by hand. */
  const withoutEnded = async (kept: KeptEndpoint): Promise<void> => {
    if (!kept.incident) return;
    const { id } = kept.incident;
    const found = await store.tenant(kept.endpoint.tenantId).incident(id);
    if (!found || found.resolvedAt === null || kept.incident.id !== id) return;
    kept.incident = null;
    recorder.touch(kept.endpoint.id);
  };
  const takeUp = async (stored: StoredEndpoint, isLeading: boolean, isOneOfMany: boolean): Promise<void> => {
    const { endpoint } = stored;
    const known = directory.get(endpoint.id);
    if (!isLeading) return adopt(stored);
    if (!known) return monitor.watch(directory.add(endpoint, restored(stored)), isOneOfMany);
    if (known.endpoint.updatedAt >= endpoint.updatedAt) {
      // A job may have called there.
      if (endpoint.serviceType === 'heartbeat') monitor.watch(known);
      return withoutEnded(known);
    }
    const { endpoint: before, ...state } = known;
    const after = stateAfter(before, endpoint, state) ?? { ...uncheckedState, ...lastingOf(known) };
    const kept = directory.add(endpoint, after);
    monitor.watch(kept, isOneOfMany);
    recorder.touch(endpoint.id);
    await withoutEnded(kept);
  };
  const adopt = (stored: StoredEndpoint): void => {
    const { endpoint } = stored;
    const known = directory.get(endpoint.id);
    if (!known || known.endpoint.updatedAt < endpoint.updatedAt) directory.add(endpoint, restored(stored));
    // In its place, so that a check that somebody asked for is not made for nothing. This process may have changed it since
    // it was read.
    else Object.assign(known, stateAfter(endpoint, known.endpoint, restored(stored)));
  };

  return {
    async begin() {
      unseenFrom.begin(await store.time());
      seen.clear();
      revision = await store.stateRevision();
    },
    async followChanges(isLeading) {
      const changes = await unseen();
      const removed = directory.noteRemovals();
      const tenants = new Map(changes.map(({ endpointId, tenantId }) => [endpointId, tenantId]));
      const ids = [...tenants.keys()];
      const areMany = monitor.isMany(ids.length);
      for (let at = 0; at < ids.length; at += idsAtOnce) {
        const asked = ids.slice(at, at + idsAtOnce);
        const found = new Map((await store.endpointsById(asked)).map((it) => [it.endpoint.id, it]));
        for (const id of asked) {
          const stored = found.get(id);
          if (removed.has(id)) continue;
          if (stored) await takeUp(stored, isLeading, areMany);
          else {
            directory.remove(tenants.get(id) ?? '', id);
            monitor.forget(id);
          }
        }
      }
      for (const { id, at } of changes) seen.set(id, at);
      unseenFrom.saw();
    },
    async followStates() {
      const removed = directory.noteRemovals();
      for (;;) {
        const states = await store.statesSince(revision, statesAtOnce);
        for (const stored of states) if (!removed.has(stored.endpoint.id)) adopt(stored);
        revision = states.at(-1)?.revision ?? revision;
        if (states.length < statesAtOnce) return;
      }
    },
    async takeHanded() {
      const handed = await recorder.readHanded(pageSize);
      const aheadMs = handed.length > 0 ? clock.now() - (await store.time()) : 0;
      for (const one of handed) {
        const { endpointId, tenantId, result, at } = one;
        const kept = directory.get(endpointId);
        // Nobody has found out anything yet that is to come, though a clock may have been set in between.
        if (kept?.endpoint.tenantId === tenantId) monitor.take(kept, result, Math.min(at + aheadMs, clock.now()));
        recorder.judged(one);
      }
      // Where the lease has just ended, another process takes them: they are in the store still.
      await recorder.showChanges();
      return handed.length >= pageSize;
    },
  };
}
