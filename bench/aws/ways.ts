/** The ways to fan out that are measured, and the ids of their constructs. */
export type Way = 'Tree' | 'Standard' | 'Express';

export const WAYS: readonly Way[] = ['Tree', 'Standard', 'Express'];

export const TITLES: { readonly [way in Way]: string } = {
  Tree: 'burst-compute',
  Standard: 'Distributed Map, Standard',
  Express: 'Distributed Map, Express',
};

/** What the functions of the app have, and the estimate therefore assumes. */
export const FUNCTION = { memoryMegabytes: 256, architecture: 'arm64' } as const;
