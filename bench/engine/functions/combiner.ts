import { digestOf } from './digest';

interface Gathered {
  readonly results: { readonly inline: (number | null)[] };
}

export const handler = async ({ results }: Gathered) => ({ digest: digestOf(results.inline) });
