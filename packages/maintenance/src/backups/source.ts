import type { Clock } from '@dotmac/core';

/** A table, and how many rows it has; null when they were not counted. */
export interface TableCount {
  name: string;
  rows: number | null;
}

/** What is known of a dump that is complete. */
export interface DumpFacts {
  /** All tables as of the dump's snapshot, by name. */
  tables: TableCount[];
  /** What made it, with its version. */
  tool: string;
}

/** The bytes of a dump, uncompressed. Throws when they are not whole. */
export type Content = AsyncIterable<Buffer>;

/** What a source works with. */
export interface SourceContext {
  clock: Clock;
  /** Aborts at the deadline, and when the run is to end. */
  signal: AbortSignal;
  /** A path for a file that a source needs in between: in the backup directory, and removed with what is partial. */
  scratchFile: string;
}

/** A database that can be backed up. One file a dialect. */
export interface BackupSource {
  readonly kind: 'sqlite' | 'postgres' | 'mysql';
  /** What the name of a dump ends in, before the compression's. */
  readonly extension: string;
  /** About how many bytes a dump has, uncompressed. */
  estimate(context: Pick<SourceContext, 'clock'>): Promise<number>;
  /** Hands a dump's bytes to `write`. What that took is a dump only when this resolves. */
  dump(context: SourceContext, write: (content: Content) => Promise<void>): Promise<DumpFacts>;
  /**
   * Restores a dump where it hurts nobody, looks at it, and throws it away.
   * @returns what is in it
   * @throws BrokenDump when the database finds it damaged
   */
  rehearse(context: SourceContext, content: Content): Promise<TableCount[]>;
  /**
   * Restores a dump into a database that is there and empty, or a file that is not there.
   * @param into a URL of the same kind
   */
  restore(context: SourceContext, content: Content, into: string): Promise<void>;
  /** Removes what dead processes left outside of the backup directory; how many things. */
  sweep(context: Pick<SourceContext, 'clock'>): Promise<number>;
}

/** A dump that cannot be restored, whoever tries. */
export class BrokenDump extends Error {
  override readonly name = 'BrokenDump';
}

/** A place to restore to that is not empty, or not of the backup's kind. */
export class UnfitTarget extends Error {
  override readonly name = 'UnfitTarget';
}
