import { Failure, Plan, Reason } from './model';

export function timedOut(plan: Plan): Reason {
  return { code: 'TimedOut', message: `the job did not end within ${(plan.deadline - plan.startedAt) / 1000} s: raise timeoutSeconds or maxConcurrency` };
}

export function tooManyFailures(failed: number, plan: Plan, example?: Failure): Reason {
  const what = plan.taskFunctions ? 'task' : 'batch';
  const such = example
    ? `; for example ${what} ${example.taskId ?? example.batchId}: ${example.errorType}: ${example.message} (calls: ${example.attempts}, request id: ${example.requestId || 'none'})`
    : '';
  return {
    code: 'TooManyFailures',
    message: `${failed} of ${plan.batches} ${what === 'task' ? 'tasks' : 'batches'} failed, ${plan.toleratedFailures} are tolerated (toleratedFailurePercentage)${such}`,
  };
}
