import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { SFNClient } from '@aws-sdk/client-sfn';
import { explain } from './explain';

/** Keys to AWS. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** How AWS is reached; all of it is found as the AWS SDK finds it where it is not given. */
export interface ConnectionOptions {
  /** @default - that of the state machine's ARN where that is given, else AWS_REGION or the profile's */
  readonly region?: string;
  /** A profile of the shared configuration files. @default - AWS_PROFILE, else `default` */
  readonly profile?: string;
  /** One endpoint for all services, such as that of the local AWS. @default - AWS_ENDPOINT_URL, else AWS */
  readonly endpoint?: string;
  /** Keys, or a function that gets them. @default - the SDK's own chain: environment, profile, SSO, container, instance */
  readonly credentials?: AwsCredentials | (() => Promise<AwsCredentials>);
}

/** The endpoint that stands in for AWS, if one does. */
export function customEndpoint(options: ConnectionOptions): string | undefined {
  return options.endpoint ?? process.env.AWS_ENDPOINT_URL;
}

/** A host that does not answer is given up; requests that AWS works on are not. */
const CONNECT_MS = 5_000;

interface Sdk {
  readonly config: object;
  readonly middlewareStack: { add(middleware: any, options: any): void };
}

/** One client per service, made when it is first used; their errors say what to do. */
export class Connection {
  readonly cloudFormation = once(() => this.ready(new CloudFormationClient(this.config), 'CloudFormation'));
  readonly dynamo = once(() => this.ready(new DynamoDBClient(this.config), 'DynamoDB'));
  readonly lambda = once(() => this.ready(new LambdaClient(this.config), 'Lambda'));
  readonly quotas = once(() => this.ready(new ServiceQuotasClient(this.config), 'Service Quotas'));
  readonly steps = once(() => this.ready(new SFNClient(this.config), 'Step Functions'));
  readonly s3 = once(() => this.ready(new S3Client({
    ...this.config, forcePathStyle: (customEndpoint(this.options) ?? process.env.AWS_ENDPOINT_URL_S3) !== undefined,
  }), 'S3'));

  constructor(readonly options: ConnectionOptions) {}

  private get config() {
    const { region, profile, endpoint, credentials } = this.options;
    return {
      requestHandler: { connectionTimeout: CONNECT_MS },
      ...region !== undefined && { region },
      ...profile !== undefined && { profile },
      ...endpoint !== undefined && { endpoint },
      ...credentials !== undefined && { credentials },
    };
  }

  private ready<T extends Sdk>(client: T, service: string): T {
    const endpoint = customEndpoint(this.options);
    const whom = `${service} at ${endpoint ?? this.options.region ?? process.env.AWS_REGION ?? 'the configured Region'}`;
    client.middlewareStack.add((next: (args: unknown) => Promise<unknown>) => async (args: unknown) => {
      try {
        return await next(args);
      } catch (error) {
        throw explain(error, whom);
      }
    }, { step: 'initialize', priority: 'high', name: 'explain' });
    return client;
  }
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
