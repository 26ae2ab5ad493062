import type { createDatings } from '../heartbeats/datings.js';
import { heartbeatSettings, silentSoFar } from '../heartbeats/heartbeat.js';
import { verdictOf } from '../heartbeats/verdict.js';
import type { HealthStore } from '../store/store.js';
import { CannotCheck, defineProbe, Unreachable, WrongAnswer } from './probe.js';

/** Looks whether a job has called when it was to. Its response time is none: how long runs take is told with its calls. */
export const heartbeatProbe = (
  store?: Pick<HealthStore, 'tenant'>,
  upSince = (): number => 0,
  datingsOf: ReturnType<typeof createDatings> = () => () => 0,
) =>
  defineProbe({
    serviceType: 'heartbeat',
    summary: 'Waits for a job to call in time: its start, its success or its failure.',
    addressing: 'none',
    config: heartbeatSettings,
    async run({ config, clock, subject }) {
      if (!subject || !store) throw new CannotCheck('This is for endpoints alone', { code: 'config_unfit' });
      const { tenantId, endpointId, createdAt: registeredAt } = subject;
      const record = (await store.tenant(tenantId).heartbeats.get(endpointId)) ?? silentSoFar(tenantId, endpointId);
      const instants = [registeredAt, record.startedAt, record.succeededAt].filter((at) => at !== null);
      const setSince = datingsOf(endpointId, instants);
      const times = { registeredAt, upSince: upSince(), now: clock.now() };
      const verdict = verdictOf(record, config, times, setSince);
      const { is, message, until } = verdict;
      if (is === 'late') throw new Unreachable(message, { code: 'job_late' });
      if (is === 'failed') throw new WrongAnswer(message, { code: 'job_failed' });
      if (is === 'overran') throw new WrongAnswer(message, { code: 'job_overran' });
      if (is === 'silent') throw new CannotCheck(message, { code: 'job_silent', lookAgainAt: until });
      return { responseTimeMs: 0, message, lookAgainAt: until };
    },
  });
