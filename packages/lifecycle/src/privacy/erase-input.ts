import { printable } from '@dotmac/core/contract';
import { z } from 'zod';

/** What erasing takes. */
export const eraseInput = z
  .object({
    reference: printable
      .trim()
      .min(1)
      .max(100)
      .nullish()
      .transform((value) => value ?? null)
      .meta({ description: 'What asked for it, e.g. a ticket; kept in the history', examples: ['DSR-2026-17'] }),
  })
  .meta({ id: 'CustomerErasure' });

/** @see eraseInput */
export type EraseDraft = z.input<typeof eraseInput>;
