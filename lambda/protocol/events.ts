import { InvalidEvent } from './errors';
import { isJobId } from './keys';
import { DispatchEvent } from './model';

/**
 * Checks what the dispatcher was invoked with, before it touches anything: whoever may invoke functions of the account may send it
 * anything. Throws `InvalidEvent` that names the field.
 */
export function checkDispatchEvent(event: unknown): DispatchEvent {
  const given = fieldsOf(event);
  const check = (field: string, isRight: boolean, allowed: string) => {
    if (!isRight) throw wrong(field, given[field], allowed);
  };
  const whole = (field: string, least: number) => check(field, Number.isSafeInteger(given[field]) && (given[field] as number) >= least, `a whole number of at least ${least}`);
  check('jobId', typeof given.jobId === 'string' && isJobId(given.jobId), 'the id of a job');
  whole('epoch', 1);
  for (const field of ['lo', 'depth', 'expect', 'hop']) whole(field, 0);
  check('plan', given.plan !== null && typeof given.plan === 'object' && Number.isSafeInteger((given.plan as { leaves?: unknown }).leaves), 'the plan of the job');
  const { leaves } = given.plan as { leaves: number };
  whole('hi', (given.lo as number) + 1);
  check('hi', (given.hi as number) <= leaves, `at most the ${leaves} leaves of the plan`);
  return event as DispatchEvent;
}

/** The states of the state machine, and what each sends along. */
const ACTIONS: { readonly [action: string]: string[] } = {
  prepare: ['execution'],
  await: ['jobId', 'epoch', 'round', 'retryCount', 'token'],
  repair: ['jobId', 'epoch', 'round'],
  settle: ['jobId', 'epoch', 'error'],
  combine: ['jobId', 'epoch'],
  finish: ['execution'],
  stopped: ['execution'],
};

/** Checks what the monitor was invoked with. Throws `InvalidEvent` that names the field. */
export function checkMonitorEvent(event: unknown): void {
  const given = fieldsOf(event);
  if (typeof given.action !== 'string' || !Object.hasOwn(ACTIONS, given.action)) throw wrong('action', given.action, Object.keys(ACTIONS).join(', '));
  for (const field of ACTIONS[given.action]) {
    const value = given[field];
    switch (field) {
      case 'execution':
        if (['name', 'arn'].some((name) => typeof (value as { [name: string]: unknown } | undefined)?.[name] !== 'string')) throw wrong(field, value, 'the name and the arn of an execution');
        break;
      case 'error':
        if (value === null || typeof value !== 'object') throw wrong(field, value, 'the error that ended the Distributed Map');
        break;
      case 'jobId':
      case 'token':
        if (typeof value !== 'string') throw wrong(field, value, 'a string');
        break;
      default:
        if (!Number.isSafeInteger(value)) throw wrong(field, value, 'a whole number');
    }
  }
}

function fieldsOf(event: unknown): { [field: string]: unknown } {
  if (event !== null && typeof event === 'object') return event as { [field: string]: unknown };
  throw wrong('event', event, 'an object');
}

function wrong(field: string, value: unknown, allowed: string): InvalidEvent {
  const got = value === undefined ? 'nothing' : JSON.stringify(value);
  return new InvalidEvent(`${field}: got ${got.length > 100 ? `${got.slice(0, 100)}...` : got}, allowed: ${allowed}. `
    + 'Only the parts of a BurstCompute call this function: start a job with an execution of its state machine');
}
