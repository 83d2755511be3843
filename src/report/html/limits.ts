/** Numbers that the generator and the page's script share. @module */

/** Most changes that are printed. */
export const PRINTED = 1_000;
