import { createInterface } from 'node:readline/promises';
import { GetAccountSettingsCommand } from '@aws-sdk/client-lambda';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { UsageError } from '../../client/cli/errors';
import { Connection, customEndpoint } from '../../client/connection';
import { explain } from '../../client/explain';

export interface Account {
  readonly id: string;
  readonly region: string;
  /** Unreserved concurrent executions. */
  readonly concurrency: number;
  /** Whatever answers, it is not AWS. */
  readonly isEmulated: boolean;
}

/** Whose account the credentials are of, and what it may run. */
export async function findAccount(connection: Connection): Promise<Account> {
  const sts = new STSClient({});
  const region = await sts.config.region().catch(() => {
    throw new UsageError('no AWS Region is set: give --region, or set AWS_REGION');
  });
  const identity = await sts.send(new GetCallerIdentityCommand({})).catch((error: unknown) => {
    throw explain(error, `STS at ${customEndpoint({}) ?? region}`);
  });
  const { AccountLimit } = await connection.lambda().send(new GetAccountSettingsCommand({}));
  return {
    id: identity.Account!,
    region,
    concurrency: AccountLimit?.UnreservedConcurrentExecutions ?? AccountLimit?.ConcurrentExecutions ?? 0,
    isEmulated: customEndpoint({}) !== undefined,
  };
}

/** Nothing is deployed before somebody has said which account is meant. */
export async function confirm({ id, region }: Account, yes: string | undefined): Promise<void> {
  if (yes === undefined && !process.stdin.isTTY) throw new UsageError(`nobody is here to confirm: give --yes ${id} to deploy to that account, in ${region}`);
  const said = yes ?? await ask(`Type the account's id to deploy to ${id}, ${region}: `);
  if (said.trim() === id) return;
  throw new UsageError(`the credentials are of account ${id}, confirmed was ${said.trim().slice(0, 40) || 'none'}: nothing was deployed; give the id of the account, or other credentials`);
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
