/** The worker and its replicas, by ARN. */
export function workerArns(): string[] {
  return [required('WORKER_ARN'), ...(process.env.WORKER_REPLICA_ARNS?.split(',') ?? [])];
}

/** The value of an environment variable that the construct sets. */
export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`environment variable ${name} is missing: this function is meant to be deployed by the BurstCompute construct`);
  }
  return value;
}
