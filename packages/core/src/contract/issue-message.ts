import type { z } from 'zod';

/** What is wrong, in words. Of a key it is what the key's own schema says: that it is no good is known by its path. */
export function issueMessage(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join('; ') : issue.message;
}
