import type { AgeBy } from '../files/make-room.js';
import type { NamedPolicy } from './named-policy.js';

/** Files below a directory that may be deleted once nobody has used them for a while, or when room is needed. */
export interface DirectoryPolicy extends NamedPolicy {
  /** Absolute. Sub-directories are entered; links, mounts and directories locked by flock(2) are not. */
  directory: string;
  /** Users, by number, who may own the directories above it, besides root and this process's. Default none. */
  owners?: readonly number[];
  /** Days since a file was last used. Default 7, unless `maxSizeMb` or `minFreePercent` are given: then for no age alone. */
  maxAgeDays?: number;
  /** The least recently used files go until all take no more together. */
  maxSizeMb?: number;
  /** The least recently used files go until the disk has so much left. */
  minFreePercent?: number;
  /**
   * How far a request, plan or schedule may go beyond the policy: down to so many days or MiB, up to so much free room.
   * Default nowhere: it may only say more days, more MiB, less free room, and only of what the policy goes by.
   */
  requestLimits?: { maxAgeDays?: number; maxSizeMb?: number; minFreePercent?: number };
  /** For the sake of room no file goes that was used since. Default 60. */
  minAgeMinutes?: number;
  /** What counts as use; the latest of them. Default access and modification. */
  ageBy?: readonly AgeBy[];
  /** Names, or paths below the directory, that stay with all that is in them: `*` for any characters and `?` for one. */
  exclude?: readonly string[];
  /** Delete links too, never what they lead to. Default false. */
  links?: boolean;
  /** The share of the files that may go in one run without being confirmed, when they are more than `unaskedItems`. Default 0.5; of caches 1. */
  maxShare?: number;
}
