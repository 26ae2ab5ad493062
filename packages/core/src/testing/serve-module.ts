import type { ApiOptions, ServedModule } from '../http/api.js';
import type { NotesScope } from './notes-module.js';

/** What an adapter's test gives to the suite: the module on a listening port. Unknown paths answer 404 problems. */
export type ServeModule = (
  module: ServedModule<NotesScope>,
  options: ApiOptions,
) => Promise<{ url: string; close(): Promise<void> }>;
