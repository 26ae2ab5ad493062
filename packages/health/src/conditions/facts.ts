/** What a probe found out, by name: JSON values. Names are snake_case; deeper values are reached by a path. */
export type Facts = Readonly<Record<string, unknown>>;
