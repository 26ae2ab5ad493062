import { instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';

/** Why a customer's data must be kept: a lawsuit, an inquiry. Several at once, each lifted by itself. Epoch ms. */
export interface LegalHold {
  customerId: string;
  name: string;
  /** In somebody's own words. */
  note: string | null;
  setBy: string;
  setAt: number;
}

/** What a hold is called. */
export const holdName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$/, 'Letters, digits, "_", ".", ":" and "-", at most 100')
  .meta({ description: 'The matter', examples: ['case-2026-17'] });

/** What setting a hold takes. */
export const holdInput = z
  .object({
    name: holdName,
    note: printable
      .trim()
      .max(1_000)
      .nullish()
      .transform((value) => value || null)
      .meta({ description: 'In your own words' }),
  })
  .meta({ id: 'LegalHoldInput' });

/** @see holdInput */
export type HoldDraft = z.input<typeof holdInput>;

/** A hold, as it is shown. */
export const holdView = z
  .object({ name: z.string(), note: z.string().nullable(), setBy: z.string(), setAt: instant })
  .meta({ id: 'LegalHold' });

/** @see holdView */
export type HoldView = z.output<typeof holdView>;

/** A hold without whose it is. */
export function viewOfHold({ name, note, setBy, setAt }: LegalHold): HoldView {
  return { name, note, setBy, setAt };
}
