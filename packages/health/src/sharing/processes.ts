import { describeError, type CancelTimer, type Clock, type Logger } from '@dotmac/core';
import type { Recorder } from '../history/recorder.js';
import type { HealthMetrics } from '../metrics.js';
import type { Directory } from '../monitoring/directory.js';
import { loadEndpoints } from '../monitoring/load-endpoints.js';
import type { Monitor } from '../monitoring/monitor.js';
import type { Term } from '../store/sharing.js';
import type { HealthStore } from '../store/store.js';
import { storeFaults } from '../store-fault.js';
import type { Follower } from './follow.js';
import type { HandOver } from './hand-over.js';
import type { MonitorLease } from './monitor-lease.js';

/** Who monitors, as this process knows. */
export interface Monitoring {
  /**
   * `monitoring`: this process checks the endpoints; `standby`: another does, and this one takes over when that ends;
   * `off`: this one never does, as it was set up; `stopped`: it does nothing.
   */
  role: 'monitoring' | 'standby' | 'off' | 'stopped';
  /** The `instance` of the process that monitors; null when none does, or that is not known. */
  by: string | null;
}

/** This process among those on one store. */
export interface Processes {
  monitoring: () => Monitoring;
  /** Whether this process monitors. */
  isLeading: () => boolean;
  /** Whether another process monitors: it knows best what endpoints depend on, and tells of them. */
  isElsewhere: () => boolean;
  /** Under what it writes; undefined while it does not monitor. */
  term(): Term | undefined;
  /** Looks at the lease now: the store has refused what was written under it. */
  doubt(): void;
  /** Reads the endpoints, and takes the lease if it is free. */
  open(): Promise<void>;
  /** Monitors if it has the lease; follows the others from now on. */
  start(): void;
  /** Looks no more after the others; the lease is renewed once more, for what is still to be written. */
  pause(): Promise<void>;
  /** Hands over what there is, and gives the lease back. */
  close(): Promise<void>;
}

/** What it is made of. */
export interface ProcessesOptions {
  store: HealthStore;
  directory: Directory;
  monitor: Monitor;
  recorder: Recorder;
  handOver: HandOver;
  follower: Follower;
  lease: MonitorLease;
  /** What this process is called. */
  instance: string;
  /** Whether it is to monitor at all. */
  competes: boolean;
  onChange: (monitoring: Monitoring) => void;
  leaseTtlMs: number;
  metrics: HealthMetrics | undefined;
  clock: Clock;
  logger: Logger;
}

/** Whoever waits for the lease looks more often than whoever has it. */
const lookMs = { leading: 2_000, standby: 1_000 };

/**
 * Sees to it that one process on a store monitors, and that all know what is going on. Every second or two it looks
 * whether the lease is to be renewed, or is free, and takes up what others did.
 */
export function createProcesses(options: ProcessesOptions): Processes {
  const { store, directory, monitor, recorder, handOver, follower, lease, instance, competes } = options;
  const { onChange, metrics, clock, logger } = options;
  const leadingMs = Math.min(lookMs.leading, options.leaseTtlMs / 4);
  let isOpen = false;
  let isLeading = false;
  /** Whether the directory is what the store has; not when that could not be read. */
  let isLoaded = false;
  let by: string | null = null;
  let isInDoubt = false;
  const faults = storeFaults(logger, 'what other processes do cannot be seen');
  let cancelTimer: CancelTimer | undefined;
  let ticking: Promise<void> = Promise.resolve();

  const monitoring = (): Monitoring => {
    if (!isOpen) return { role: 'stopped', by: null };
    return { role: isLeading ? 'monitoring' : competes ? 'standby' : 'off', by };
  };
  const tell = (): void => onChange(monitoring());
  metrics?.observeMonitoring(() => isLeading);

  const load = async (): Promise<void> => {
    isLoaded = false;
    await follower.begin();
    await loadEndpoints(store, directory);
    isLoaded = true;
  };
  const lead = (): void => {
    isLeading = true;
    by = instance;
    monitor.lead();
    metrics?.tookOver();
    logger.info({ instance }, 'this process monitors from now on');
    tell();
  };
  const standDown = (): void => {
    isLeading = false;
    by = null;
    monitor.standBy();
    recorder.drop();
    logger.warn({ instance }, 'another process has taken over monitoring: this one stands by');
    tell();
  };
  const lookAtLease = async (): Promise<void> => {
    if (isLeading) {
      const wasInDoubt = isInDoubt;
      isInDoubt = false;
      if (await lease.keep(wasInDoubt)) return;
      standDown();
      return load();
    }
    by = await lease.holder();
    if (!competes || by !== null || !(await lease.take())) return;
    await load().catch(async (error: unknown) => {
      await lease.release();
      throw error;
    });
    lead();
  };
  /** Says whether to look again at once. */
  const look = async (): Promise<boolean> => {
    await lookAtLease();
    if (!isLoaded) await load();
    await follower.followChanges(isLeading);
    // Who has just taken over may have found something out before.
    await handOver.flush();
    // Some at a time: to judge all that came in hours may take longer than the lease lasts.
    if (isLeading) return follower.takeHanded();
    await follower.followStates();
    return false;
  };
  const tick = async (): Promise<void> => {
    try {
      while ((await look()) && cancelTimer);
      faults.over();
    } catch (error) {
      faults.tell(error);
    }
    if (cancelTimer) arm();
  };
  const arm = (): void => {
    cancelTimer?.();
    cancelTimer = clock.after(isLeading ? leadingMs : lookMs.standby, () => void (ticking = tick()));
  };

  return {
    monitoring,
    isLeading: () => isLeading,
    isElsewhere: () => !isLeading && by !== null,
    term: () => (isLeading ? lease.term : undefined),
    doubt: () => void (isInDoubt = true),
    async open() {
      if (competes) await lease.take();
      try {
        await load();
        by = lease.term ? instance : await lease.holder();
      } catch (error) {
        await lease.release().catch(() => undefined);
        throw error;
      }
      isOpen = true;
    },
    start() {
      if (lease.term) lead();
      else tell();
      arm();
    },
    async pause() {
      cancelTimer?.();
      cancelTimer = undefined;
      await ticking;
      // One that ran out just now, as nobody could see to it, would have the last findings refused.
      if (isLeading && !(await lease.keep(true).catch(() => true))) standDown();
    },
    async close() {
      const flushed = handOver.flush();
      isOpen = isLeading = false;
      by = null;
      monitor.standBy();
      try {
        await flushed;
        await lease.release();
      } catch (error) {
        logger.warn(describeError(error), 'the lease on monitoring could not be given back, and runs out');
      }
      tell();
    },
  };
}
