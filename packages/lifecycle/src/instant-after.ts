/** The instant some time after another, in whole ms and never too early: a store keeps no fractions. */
export function instantAfter(at: number, ms: number): number {
  return Math.ceil(at + ms);
}
