import { z } from 'zod';

/** What the types of tasks look like. */
export const taskTypePattern = /^[a-z][a-z0-9_]{0,63}$/;

/** The type of a task, where a list is to have those of it alone: what cannot be one is asked of no database. */
export const taskType = z
  .string()
  .regex(taskTypePattern, 'A type is 1 to 64 of a to z, digits and "_", and begins with a letter');
