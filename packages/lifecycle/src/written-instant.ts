/** An instant of code (epoch ms) as the schemas read it. What is none stays as it is, for the schema to refuse. */
export function writtenInstant(at: number): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at);
}
