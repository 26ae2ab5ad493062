/** When a window lasts. Instants are epoch ms; `until` exclusive. */
export interface Span {
  from: number;
  until: number;
}
