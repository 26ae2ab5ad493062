import type { z } from 'zod';

/** What is wrong, in words. Of a key it is what the key's own schema says: that it is no good is known by its path. */
export function issueMessage(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => message).join('; ');
  // Only what zod itself says speaks of JavaScript's words for nothing, which JSON does not have.
  if (issue.code === 'invalid_type' && issue.message.endsWith(', received NaN')) return 'This is no number';
  if (issue.code === 'invalid_type' && issue.message.endsWith(', received undefined'))
    return `This is required: ${withArticle(issue.expected)}`;
  return issue.message;
}

const withArticle = (type: string): string => `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`;
