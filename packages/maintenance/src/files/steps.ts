/** How far work may go, and where it tells how far it went. */
export interface Steps {
  /** Items that may still be worked on. */
  readonly remaining: number;
  /** After every batch; false when no other is to follow. */
  advance(batch: { seen?: number; cleaned: number; bytes?: number }): Promise<boolean>;
}
