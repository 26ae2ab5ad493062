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
   * Asks one thing of a mount at a time, and of three mounts at most: those that have not answered so far count.
   * @param mount a name for it
   * @throws SilentDiskError when it does not answer within five seconds, or has not done so before, or three others have not
   */
  ask<Answer>(mount: string, question: () => Promise<Answer>): Promise<Answer>;
}

const patienceMs = 5_000;
/** Node has four threads for the calls of all files. */
const mostAtOnce = 3;

/** @see MountQueue */
export function createMountQueue(clock: Pick<Clock, 'after'> = systemClock): MountQueue {
  const asked = new Map<string, Promise<void>>();
  const silent = new Set<string>();
  return {
    async ask(mount, question) {
      while (asked.has(mount) || (asked.size > 0 && asked.size + silent.size >= mostAtOnce))
        await (asked.get(mount) ?? Promise.race(asked.values()));
      if (silent.has(mount) || silent.size >= mostAtOnce) throw new SilentDiskError();
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
  };
}

/** The process's own: its threads are what the questions share. */
export const processMounts = createMountQueue();
