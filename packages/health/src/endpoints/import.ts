import type { LineResult } from '@dotmac/core/contract';
import type { EndpointDraft } from './endpoint.js';

/** Drafts as lines. */
export async function* linesOf(drafts: Iterable<EndpointDraft>): AsyncGenerator<LineResult<EndpointDraft>> {
  let line = 0;
  for (const value of drafts) yield { line: ++line, ok: true, value };
}
