import type { DispatchEvent } from '../../lambda/protocol';

/** What a dispatcher may be sent in the place of a good event, and what the error must say. */
export const DISPATCH_EVENTS: [what: string, event: (good: DispatchEvent) => unknown, message: string][] = [
  ['nothing', () => undefined, 'event: got nothing, allowed: an object'],
  ['a text', () => 'start', 'event: got "start", allowed: an object'],
  ['an empty object', () => ({}), 'jobId: got nothing, allowed: the id of a job'],
  ['the request of a job', () => ({ items: { list: [1] } }), 'start a job with an execution of its state machine'],
  ['the id of a redrive', (good) => ({ ...good, jobId: 'job.e2' }), 'jobId: got "job.e2"'],
  ['no epoch', (good) => ({ ...good, epoch: undefined }), 'epoch: got nothing, allowed: a whole number of at least 1'],
  ['half a leaf', (good) => ({ ...good, lo: 0.5 }), 'lo: got 0.5, allowed: a whole number of at least 0'],
  ['no leaves', (good) => ({ ...good, lo: 0, hi: 0 }), 'hi: got 0, allowed: a whole number of at least 1'],
  ['more leaves than there are', (good) => ({ ...good, hi: 1_000_000 }), 'hi: got 1000000, allowed: at most the'],
  ['an attempt as text', (good) => ({ ...good, expect: '1' }), 'expect: got "1"'],
  ['no plan', (good) => ({ ...good, plan: null }), 'plan: got null, allowed: the plan of the job'],
  ['a fan-out without end', (good) => ({ ...good, hi: good.plan.leaves, depth: 8 }), 'deeper than 8 hops'],
];

/** The same of the monitor. */
export const MONITOR_EVENTS: [event: unknown, message: string][] = [
  [null, 'event: got null, allowed: an object'],
  [{}, 'action: got nothing, allowed: prepare, await, repair, settle, combine, finish, stopped'],
  [{ action: 'toString' }, 'action: got "toString"'],
  [{ action: 'prepare' }, 'execution: got nothing, allowed: the name and the arn of an execution'],
  [{ action: 'finish', execution: { name: 'job' } }, 'execution: got {"name":"job"}'],
  [{ action: 'await', jobId: 'job', epoch: 1, round: 0, retryCount: 0 }, 'token: got nothing, allowed: a string'],
  [{ action: 'repair', jobId: 'job', epoch: '1', round: 0 }, 'epoch: got "1", allowed: a whole number'],
  [{ action: 'settle', jobId: 'job', epoch: 1, error: null }, 'error: got null, allowed: the error that ended the Distributed Map'],
  [{ action: 'combine', jobId: 7, epoch: 1 }, 'jobId: got 7, allowed: a string'],
];

/** What a worker may return in the place of a result, and what its batch's failure must say. */
export const ANSWERS: [what: string, payload: string, message: string][] = [
  ['no JSON', '{"a":', 'the worker returned something that is not JSON'],
  ['nothing at all', '', 'the worker returned something that is not JSON'],
  ['NaN', 'NaN', 'the worker returned something that is not JSON'],
  ['more than Lambda allows', `"${'x'.repeat(6 * 1024 * 1024)}"`, 'the worker returned 6291458 bytes; Lambda allows 6291456'],
];
