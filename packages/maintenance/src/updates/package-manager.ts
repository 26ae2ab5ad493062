/** How bad the worst known fault of an installed package is; null where its manager does not say. */
export type UpdateSeverity = 'low' | 'moderate' | 'high' | 'critical';

/** A package that could be newer. */
export interface PendingUpdate {
  name: string;
  /** Null where the manager does not say. */
  current: string | null;
  available: string | null;
  /** It does away with a fault of security. */
  isSecurity: boolean;
  severity: UpdateSeverity | null;
  /** It does not come by itself: other packages, or a new major version, stand in its way. */
  isHeldBack: boolean;
  /** For people: what is wrong, or why it waits. */
  note: string | null;
}

/** What a package manager knows. */
export interface PendingUpdates {
  updates: PendingUpdate[];
  /** When it last learned what there is, epoch ms; null where it asks each time. */
  knownAt: number | null;
  /** What was updated before wants a restart of the machine. */
  restartRequired: boolean;
}

/** What became of applying. */
export interface AppliedUpdates {
  /** Names of packages. */
  applied: string[];
  /** Those that stay as they are, for people; null when none does. */
  refused: string | null;
  /** What went wrong, though not with all of them, for people. */
  fault?: string | undefined;
  /** So many wait, because no more were to be applied, or would have been in one piece. */
  left: number;
  /** So many packages were to be put there with them, others and new ones too; undefined where that was not asked. */
  installed?: number | undefined;
}

/** The packages of a machine or of a project. */
export interface PackageManager {
  /**
   * Changes nothing that is installed.
   * @param isDry changes nothing else either: nothing is fetched to be kept
   */
  pending(signal: AbortSignal, isDry?: boolean): Promise<PendingUpdates>;
  /**
   * Applies updates of security, and no others; with what they bring, `most` packages. Is not cut off: half an update is worse than none. What takes
   * too long is left to go on.
   * @param signal ends what is done before an update begins
   */
  applySecurity(pending: readonly PendingUpdate[], most?: number, signal?: AbortSignal): Promise<AppliedUpdates>;
}

/** A package manager that did not do what it was asked to. The message is safe to show. */
export class PackageManagerError extends Error {
  override readonly name = 'PackageManagerError';
}
