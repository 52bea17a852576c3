import { readdirSync, readFileSync } from 'fs';

/** The processes in which one engine runs a function; other engines may run one of the same name. Linux only, as CI is. */
export function processesOf(engine: { readonly endpoint: string }, functionName: string): number[] {
  const marks = [`AWS_LAMBDA_FUNCTION_NAME=${functionName}`, `AWS_ENDPOINT_URL=${engine.endpoint}`];
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      const environment = new Set(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0'));
      return marks.every((mark) => environment.has(mark));
    } catch {
      return false; // it has ended, or is not ours
    }
  }).map(Number);
}

export function killFunction(engine: { readonly endpoint: string }, functionName: string): number {
  const pids = processesOf(engine, functionName);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has just ended
    }
  }
  return pids.length;
}
