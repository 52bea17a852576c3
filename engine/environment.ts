import { existsSync } from 'fs';
import * as path from 'path';

/** The account and region that the engine plays. */
export const ACCOUNT = '000000000000';
export const REGION = 'us-east-1';

type Environment = Record<string, string>;

/** All that the engine, and with it every function, sees of the caller's environment: no credentials, no profile, no proxy, no NODE_OPTIONS. */
const ALLOWED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'SHELL'];

/** What an AWS SDK or tool needs to talk to the engine. */
export function clientEnvironment(endpoint: string): Environment {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
}

/** Shuts out ~/.aws and the instance metadata service, so that no real account can be reached by mistake. */
function sealed(dataDir: string): Environment {
  return {
    AWS_CONFIG_FILE: path.join(dataDir, 'no-config'),
    AWS_SHARED_CREDENTIALS_FILE: path.join(dataDir, 'no-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/**
 * The environment of the engine and of the functions it runs.
 *
 * @param modules node_modules folders in which functions find the AWS SDK, which Lambda's own runtime has built in
 */
export function engineEnvironment(dataDir: string, modules: string[], from: NodeJS.ProcessEnv = process.env): Environment {
  const kept = Object.fromEntries(ALLOWED.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));
  return {
    LANG: 'en_US.UTF-8',
    ...kept,
    TZ: 'UTC', // as on Lambda
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', // on AWS the runtime's Node is another
    // functions run on the Node that runs us, whether or not it is on the PATH
    PATH: [path.dirname(process.execPath), from.PATH].filter(Boolean).join(path.delimiter),
    NODE_PATH: modules.join(path.delimiter),
    ...sealed(dataDir),
    ...(from.BURST_ENGINE_LOG_LEVEL ? { BURST_ENGINE_LOG_LEVEL: from.BURST_ENGINE_LOG_LEVEL } : {}),
  };
}

/** The environment of the CDK CLI: the user's own, since the app may need any of it, but with every AWS setting replaced. */
export function cdkEnvironment(endpoint: string, dataDir: string, from: NodeJS.ProcessEnv = process.env): Environment {
  const kept = Object.entries(from).filter((entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('AWS_'));
  const direct = [from.NO_PROXY ?? from.no_proxy, '127.0.0.1'].filter(Boolean).join(',');
  return {
    ...Object.fromEntries(kept),
    ...clientEnvironment(endpoint),
    ...sealed(dataDir),
    NO_PROXY: direct,
    no_proxy: direct,
    CDK_DISABLE_VERSION_CHECK: '1',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
  };
}

/** The node_modules folders of a folder and of those above it, nearest first. */
export function moduleFolders(...starts: string[]): string[] {
  const found = new Set<string>();
  for (const start of starts) {
    for (let folder = path.resolve(start); ; folder = path.dirname(folder)) {
      const modules = path.join(folder, 'node_modules');
      if (existsSync(modules)) found.add(modules);
      if (folder === path.dirname(folder)) break;
    }
  }
  return [...found];
}
