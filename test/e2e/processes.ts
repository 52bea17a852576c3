import { readdirSync, readFileSync } from 'fs';

/** The processes in which the engine runs a function. Linux only, as CI is. */
export function processesOf(functionName: string): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`AWS_LAMBDA_FUNCTION_NAME=${functionName}`);
    } catch {
      return false; // it has ended, or is not ours
    }
  }).map(Number);
}

export function killFunction(functionName: string): number {
  const pids = processesOf(functionName);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has just ended
    }
  }
  return pids.length;
}
