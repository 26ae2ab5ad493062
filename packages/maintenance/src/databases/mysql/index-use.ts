/** How MariaDB and MySQL say, in `information_schema.statistics`, whether an index is used; each has one of them. */
export interface Use {
  IGNORED?: string;
  IS_VISIBLE?: string;
}

/** False for an index that is kept up, and that no query uses. */
export const isUsed = ({ IGNORED, IS_VISIBLE }: Use): boolean => IGNORED !== 'YES' && IS_VISIBLE !== 'NO';
