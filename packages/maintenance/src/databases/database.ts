/** How much room a table takes. */
export interface TableSize {
  /** On the disk. */
  bytes: number;
  /** Of that: free inside, to be used for new rows; 0 where it is approximate. */
  reusableBytes: number;
  /** Some of it is taken from statistics, not measured. */
  approximate: boolean;
}
