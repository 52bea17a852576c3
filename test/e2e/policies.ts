import { DeleteRolePolicyCommand, GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { Bench } from './harness';

interface Statement { Sid: string; Action: string | string[] }
interface Granted { role: string; policy: string; statements: Statement[] }

/** The policies of deployed functions. */
export class Policies {
  private readonly iam: IAMClient;

  constructor(private readonly bench: Bench) {
    this.iam = new IAMClient(bench.config);
  }

  async of(functionName: string): Promise<Granted[]> {
    const { Role } = await this.bench.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
    const role = Role!.split('/').pop()!;
    const { PolicyNames } = await this.iam.send(new ListRolePoliciesCommand({ RoleName: role }));
    return Promise.all(PolicyNames!.map(async (policy) => {
      const { PolicyDocument } = await this.iam.send(new GetRolePolicyCommand({ RoleName: role, PolicyName: policy }));
      return { role, policy, statements: JSON.parse(decodeURIComponent(PolicyDocument!)).Statement };
    }));
  }

  /** Runs `action` while a function lacks one statement. */
  async without<T>(functionName: string, sid: string, action: () => Promise<T>): Promise<T> {
    const holder = (await this.of(functionName)).find(({ statements }) => statements.some((s) => s.Sid === sid))!;
    await this.put(holder, holder.statements.filter((s) => s.Sid !== sid));
    try {
      return await action();
    } finally {
      await this.put(holder, holder.statements);
    }
  }

  private async put({ role, policy }: Granted, statements: Statement[]) {
    if (statements.length === 0) return this.iam.send(new DeleteRolePolicyCommand({ RoleName: role, PolicyName: policy }));
    return this.iam.send(new PutRolePolicyCommand({
      RoleName: role, PolicyName: policy, PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
    }));
  }
}
