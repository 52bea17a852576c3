import { Failure, Plan, Reason } from './model';

export function timedOut(plan: Plan): Reason {
  return { code: 'TimedOut', message: `the job did not end within ${(plan.deadline - plan.startedAt) / 1000} s: raise timeoutSeconds or maxConcurrency` };
}

export function tooManyFailures(failed: number, plan: Plan, example?: Failure): Reason {
  const such = example
    ? `; for example batch ${example.batchId}: ${example.errorType}: ${example.message} (calls: ${example.attempts}, request id: ${example.requestId || 'none'})`
    : '';
  return {
    code: 'TooManyFailures',
    message: `${failed} of ${plan.batches} batches failed, ${plan.toleratedFailures} are tolerated (toleratedFailurePercentage)${such}`,
  };
}
