import { createHash } from 'node:crypto';

/** Tells whether two requests are the same: over the JSON with sorted keys, without what Step Functions adds. */
export function digestOf(request: unknown): string {
  return createHash('sha256').update(JSON.stringify(canonical(request)) ?? '').digest('hex');
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID')
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, canonical(member)]),
  );
}
