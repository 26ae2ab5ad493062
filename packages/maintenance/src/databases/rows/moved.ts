/** How many rows went, of which as many must have come to their archive: a trigger there may keep some out. */
export function allMoved(moved: number, deleted: number): number {
  if (moved !== deleted) throw new Error('The archive did not take all of the rows that were deleted.');
  return deleted;
}
