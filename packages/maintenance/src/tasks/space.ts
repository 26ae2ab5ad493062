/** What became of the room that went: three figures, for one alone would be a lie. */
export interface Space {
  /** Given back to the system; measured. */
  returnedBytes: number;
  /** Free inside a database or the like, for what comes. */
  reusableBytes: number;
  /** Believed to be free, and not measured. */
  estimatedBytes: number;
}

export const noSpace: Space = { returnedBytes: 0, reusableBytes: 0, estimatedBytes: 0 };
