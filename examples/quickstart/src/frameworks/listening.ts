/** A server that listens. */
export interface Listening {
  port: number;
  /** Takes no more requests, and resolves when those under way are answered. */
  close(): Promise<void>;
}
