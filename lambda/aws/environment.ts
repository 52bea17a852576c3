/** The functions that work on batches, by ARN: the worker with its replicas, and those that tasks may name. */
export function workFunctions(): { workers: string[]; tasks: { [name: string]: string } } {
  return {
    workers: [required('WORKER_ARN'), ...(process.env.WORKER_REPLICA_ARNS?.split(',') ?? [])],
    tasks: JSON.parse(process.env.TASK_FUNCTION_ARNS ?? '{}') as { [name: string]: string },
  };
}

/** The value of an environment variable that the construct sets. */
export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`environment variable ${name} is missing: this function is meant to be deployed by the BurstCompute construct`);
  }
  return value;
}
