import { Patch } from './bundle';

/** Defects that the simulation must find, each within so many seeds. */
export const MUTANTS: { readonly [name: string]: { readonly seeds: number; readonly patches: readonly Patch[] } } = {};
