import { ANY } from './cost/estimate-request';
import { InvalidRequestError } from './errors';
import { InvalidRequest } from '../lambda/protocol/errors';
import { parseRedrive, parseRequest } from '../lambda/protocol/request';

const NAME = /^[\w-]{1,75}$/;

/** Refuses what every BurstCompute would, before a job's name is used up for it; what depends on props, the job says. */
export function checkRequest(request: unknown): void {
  try {
    if (parseRedrive(request) === undefined) parseRequest(request, ANY);
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    throw new InvalidRequestError(`the request is refused: ${error.message}`, /^[^:,]+/.exec(error.message)![0], { cause: error });
  }
}

export function checkName(name: string): void {
  if (!NAME.test(name)) throw new InvalidRequestError(`name: got ${JSON.stringify(name).slice(0, 200)}, allowed: 1 to 75 letters, digits, "-" and "_"`, 'name');
}
