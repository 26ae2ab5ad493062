import { freeForm } from '@dotmac/core/contract';
import { z } from 'zod';

/** What onboarding takes. */
export const onboardingInput = z
  .object({
    onboardingData: freeForm.default({}).meta({
      description: 'Facts of your own; added to those given before: 64 KiB of JSON at the most, all together',
    }),
  })
  .meta({ id: 'OnboardingInput' });

/** @see onboardingInput */
export type OnboardingDraft = z.input<typeof onboardingInput>;
