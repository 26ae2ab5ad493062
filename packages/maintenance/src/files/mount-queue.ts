import { systemClock, type Clock } from '@dotmac/core';

/** A file system that does not answer, as that of a file server that is gone. Its message is for people, and carries no path. */
export class SilentDiskError extends Error {
  override readonly name = 'SilentDiskError';
  constructor() {
    super('its file system does not answer');
  }
}

/** Questions to the file systems of mounts, each of which may never be answered, and keeps a thread of this process's until then. */
export interface MountQueue {
  /**
   * Asks one thing of a mount at a time, and nothing while an earlier question is unanswered.
   * @param mount a name for it
   * @throws SilentDiskError when it does not answer within five seconds, or has not done so before
   */
  ask<Answer>(mount: string, question: () => Promise<Answer>): Promise<Answer>;
  /** How many mounts have not answered so far. */
  silent(): number;
}

const patienceMs = 5_000;

/** @see MountQueue */
export function createMountQueue(clock: Pick<Clock, 'after'> = systemClock): MountQueue {
  const asked = new Map<string, Promise<void>>();
  const silent = new Set<string>();
  return {
    async ask(mount, question) {
      while (asked.has(mount)) await asked.get(mount);
      if (silent.has(mount)) throw new SilentDiskError();
      const answer = question();
      const inTime = new Promise<void>((resolve, reject) => {
        const cancel = clock.after(patienceMs, () => {
          silent.add(mount);
          reject(new SilentDiskError());
        });
        const answered = (): void => {
          cancel();
          silent.delete(mount);
          resolve();
        };
        answer.then(answered, answered);
      });
      const settled = inTime.catch(() => undefined).finally(() => asked.delete(mount));
      asked.set(mount, settled);
      await inTime;
      return answer;
    },
    silent: () => silent.size,
  };
}

/** The process's own: its threads are what the questions share. */
export const processMounts = createMountQueue();
