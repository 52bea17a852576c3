/** Results up to this total ride in the combiner's event: a simple combiner then needs no SDK. Lambda takes 6 MB in all. */
export const INLINE_BYTES = 4 * 1024 * 1024;
