import { isDeepStrictEqual } from 'node:util';
import { heartbeatSettings, silentSoFar, type HeartbeatRecord } from '../heartbeats/heartbeat.js';
import { afterSight, isSeen } from '../heartbeats/sight.js';
import { verdictOf } from '../heartbeats/verdict.js';
import type { Watch } from '../heartbeats/watch.js';
import type { HealthStore } from '../store/store.js';
import { CannotCheck, defineProbe, Unreachable, WrongAnswer } from './probe.js';

/** Looks whether a job has called when it was to. Its response time is none: how long runs take is told with its calls. */
export const heartbeatProbe = (by?: { store: Pick<HealthStore, 'tenant'>; watch: Pick<Watch, 'read'> }) =>
  defineProbe({
    serviceType: 'heartbeat',
    summary: 'Waits for a job to call in time: its start, its success or its failure.',
    addressing: 'none',
    config: heartbeatSettings,
    ownRecords: true,
    async run({ config, clock, subject }) {
      if (!subject || !by) throw new CannotCheck('This is for endpoints alone', { code: 'config_unfit' });
      const { tenantId, endpointId, createdAt } = subject;
      const { heartbeats } = by.store.tenant(tenantId);
      const watched = await by.watch.read();
      const readAt = clock.monotonic();
      const judgedAt = () => ({ ...watched, ms: watched.ms + clock.monotonic() - readAt, now: clock.now() });
      const see = (known: HeartbeatRecord = silentSoFar(tenantId, endpointId)) => {
        const { now: at, ms: watchedMs } = judgedAt();
        return afterSight(known, { at, watchedMs }, createdAt);
      };
      const known = await heartbeats.get(endpointId);
      // What was not seen yet is seen now; only who monitors knows for how long that is.
      const isNew = watched.isOwn && !(known && isSeen(known));
      const record = see(isNew ? await heartbeats.change(endpointId, see) : known);
      const { is, message, forMs } = verdictOf(record, config, judgedAt());
      if (watched.isOwn && (is === 'late' || is === 'overran') && record.found?.is !== is)
        await heartbeats.change(endpointId, (last = record) =>
          // It may have called since.
          isDeepStrictEqual(last.seen, record.seen) ? { ...last, found: { is, by: config } } : last,
        );
      const lookAgainAt = Math.ceil(clock.now() + forMs);
      if (is === 'late') throw new Unreachable(message, { code: 'job_late' });
      if (is === 'failed') throw new WrongAnswer(message, { code: 'job_failed' });
      if (is === 'overran') throw new WrongAnswer(message, { code: 'job_overran' });
      if (is === 'silent') throw new CannotCheck(message, { code: 'job_silent', lookAgainAt });
      return { responseTimeMs: 0, message, lookAgainAt };
    },
  });
