import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Command, CommanderError } from 'commander';
import { UsageError } from './errors';
import { estimateCommand } from './estimate';
import { localCommand } from './local';
import { packageRoot } from '../../engine/package-root';

/** The `burst` command: exit code 0, 1 when something failed, 2 when it was called wrongly, 130 when it was interrupted. */
async function main(): Promise<number> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // the user has not chosen the SDK in this bundle
  const { version } = JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  const program = new Command('burst')
    .description('Run the jobs of cdk-burst-compute')
    .version(version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  for (const command of [localCommand(), estimateCommand()]) program.addCommand(command.exitOverride().copyInheritedSettings(program));
  try {
    await program.parseAsync();
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // it has printed its message
    const { message, stack, exitCode } = error as Error & { exitCode?: number };
    process.stderr.write(`burst: ${process.env.BURST_DEBUG === '1' ? stack : message}\n`);
    return exitCode ?? (error instanceof UsageError ? 2 : 1);
  }
}

void main().then((code) => process.stdout.write('', () => process.exit(code)));
