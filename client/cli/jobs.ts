import { CloudFormationClient, DescribeStacksCommand, Stack } from '@aws-sdk/client-cloudformation';
import { UsageError } from './errors';
import { ADDRESS_DESCRIPTION, JobAddress, parseAddress } from '../address';

/** A deployed BurstCompute. */
export interface DeployedJob {
  /** The construct's path, such as MyStack/Pricing. */
  readonly path: string;
  readonly stack: string;
  readonly address: JobAddress;
}

/** Every BurstCompute of the account and region, by path. */
export async function deployedJobs(cloudFormation: CloudFormationClient): Promise<DeployedJob[]> {
  const stacks: Stack[] = [];
  let token: string | undefined;
  do {
    const page = await cloudFormation.send(new DescribeStacksCommand({ NextToken: token }));
    stacks.push(...(page.Stacks ?? []));
    token = page.NextToken;
  } while (token);
  return stacks
    .flatMap((stack) => (stack.Outputs ?? [])
      .filter(({ Description }) => Description?.startsWith(`${ADDRESS_DESCRIPTION} `))
      .map(({ Description, OutputValue }) => ({
        path: Description!.slice(ADDRESS_DESCRIPTION.length + 1), stack: stack.StackName!, address: parseAddress(OutputValue!),
      })))
    .sort((a, b) => a.path.localeCompare(b.path));
}

/**
 * The one job that is meant: by its construct path, the end of that path, or its stack's name; without a name, the only one.
 *
 * @throws UsageError that lists what there is
 */
export function chooseJob(jobs: DeployedJob[], name?: string): DeployedJob {
  const list = (some: DeployedJob[]) => some.map((job) => `  ${job.path} (stack ${job.stack})`).join('\n');
  if (jobs.length === 0) throw new UsageError('these stacks contain no BurstCompute: is it the right app?');
  const exact = jobs.filter((job) => job.path === name);
  const loose = jobs.filter((job) => name === undefined || job.stack === name || job.path.endsWith(`/${name}`));
  const found = exact.length > 0 ? exact : loose;
  if (found.length === 1) return found[0];
  if (found.length === 0) throw new UsageError(`there is no job ${name}; there is:\n${list(jobs)}`);
  throw new UsageError(`${name === undefined ? 'there are several jobs' : `${name} may be any of several jobs`}: give --job with one of\n${list(found)}`);
}
