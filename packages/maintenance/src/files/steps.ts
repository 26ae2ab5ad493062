/** How far work may go, and where it tells how far it went. */
export interface Steps {
  /** Items that may still be worked on. */
  readonly remaining: number;
  /** After every batch; false when no other is to follow. */
  advance(batch: { seen?: number; cleaned: number; settled?: number; bytes?: number }): Promise<boolean>;
}

/** Waits, within a long step, while the application is under pressure; throws when the step is to be cut short. */
export type Relief = () => Promise<void>;

/** Where nothing is to be waited for. */
export const noRelief: Relief = () => Promise.resolve();
