import type { CodecName } from '../files/codec.js';
import type { Period } from '../logs/periods.js';
import type { NamedPolicy } from './named-policy.js';

/** A signal that tells a writer in another process to open its logs anew. It may take its time: see docs/rotate-logs.md. */
export interface SignalReopen {
  /** Default `SIGHUP`. */
  signal?: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';
  /** The process, or where its number is asked for at each rotation. */
  pid?: number | (() => number | Promise<number>);
  /** Absolute path of a file that holds the number, and that nobody but its owner may write to. */
  pidFile?: string;
}

/** The host's own code around rotation. What happens when one throws is in docs/rotate-logs.md. */
export interface LogHooks {
  /** Once, when something is to be rotated, before the first. May veto all. */
  before?(logs: readonly string[]): void | Promise<void>;
  /** Before each log. May veto that one. */
  beforeRotate?(log: string): void | Promise<void>;
  /** For each rotated log, after the writers were told. */
  afterRotate?(log: string, rotated: string): void | Promise<void>;
  /** Before a rotated file is deleted. May veto that. */
  beforeRemove?(rotated: string): void | Promise<void>;
  /** Once, when all is done of a run that rotated something. */
  after?(logs: readonly string[]): void | Promise<void>;
}

/** How rotated files are compressed. */
export interface LogCompression {
  /** Default `gzip`. `zstd` needs Node 22.15, or 23.8 and later. */
  codec?: CodecName;
  /** 1 to 9 of gzip (default 6), 1 to 19 of zstd (default 3). */
  level?: number;
  /** So many of the youngest rotated files of each log stay as they are. Default 0. */
  delay?: number;
}

/** Log files that may be rotated. */
export interface LogPolicy extends NamedPolicy {
  /** Absolute. Files directly in it; sub-directories are not entered. */
  directory: string;
  /** File names, `*` for any characters and `?` for one. Default `*.log`. */
  pattern?: string;
  /** Users, by number, who may own the directory and those above it, besides root and this process's. Default none. */
  owners?: readonly number[];

  /** Logs larger than it are rotated. Default 10, when there is no `every`. */
  maxSizeMb?: number;
  /** Smaller ones are not rotated for their age or by the calendar. Default 0. */
  minSizeMb?: number;
  /** Logs last written before it are rotated. Default 30, when there is no `every`. */
  maxAgeDays?: number;
  /**
   * How far a request, plan or schedule may go beyond the policy: down to so many MiB or days. Default nowhere, where
   * rotating early can lose something (`keepFiles`, `maxTotalMb`, `minFreePercent`, `copytruncate`); else anywhere.
   */
  requestLimits?: { maxSizeMb?: number; maxAgeDays?: number };
  /** Logs are rotated in every such period of the calendar, at the first run in it. A log seen for the first time waits for the next. */
  every?: Period;
  /** Whose calendar that is, and whose times the names tell. Default `UTC`. */
  timeZone?: string;
  /** Rotate empty logs by the calendar as well. Default false. */
  rotateEmpty?: boolean;

  /**
   * `rename`: the writer goes on in the renamed file until it opens its log anew. `copytruncate`: for writers that cannot
   * do that; what they write between the last read and the truncation is lost. Default `rename`.
   */
  method?: 'rename' | 'copytruncate';
  /** `dated`: `app.log.20260131T120000Z`; `numbered`: `app.log.1` is the youngest; or a date's format of %Y %m %d %H %M %S %s. Default `dated`. */
  naming?: 'dated' | 'numbered' | { format: string };
  /** Make a new, empty log after the rename: like the old one, or with that mode and owner. Default: its writer makes it. */
  create?: boolean | { mode?: number; uid?: number; gid?: number };
  /** Tells the writer to open its file anew, after a rotation. A function is over when the writer has done so. */
  reopen?: (() => void | Promise<void>) | SignalReopen;
  /** The host's own code before and after. Default none. */
  hooks?: LogHooks;

  /** False: not at all, unless a request asks for it. Default gzip. */
  compress?: false | LogCompression;

  /** Rotated files last written before it are deleted. Default never. */
  retentionDays?: number;
  /** So many rotated files of each log are kept. Default all. */
  keepFiles?: number;
  /** The rotated files of the policy may take so much together, the oldest are deleted. Default any. */
  maxTotalMb?: number;
  /** The oldest rotated files are deleted until the disk has so much left. Default 0. */
  minFreePercent?: number;
  /** The share of the rotated files that may go in one run before somebody has to confirm it, when they are more than `unaskedItems`; above 0 to 1. Default 0.5. */
  maxShare?: number;
}
