import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Command, CommanderError } from 'commander';
import { doctorCommand } from './doctor';
import { EXIT_CODES, exitCodeOf } from './errors';
import { estimateCommand } from './estimate';
import { jobCommands } from './job';
import { localCommand } from './local';
import { reportCommand } from './report';
import { resultCommands } from './results';
import { runCommands } from './run';
import { packageRoot } from '../../engine/package-root';

/** The `burst` command; its exit codes are in errors.ts. */
async function main(): Promise<number> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // the user has not chosen the SDK in this bundle
  const { version } = JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  const program = new Command('burst')
    .description('Run the jobs of cdk-burst-compute')
    .version(version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  program.addHelpText('after', EXIT_CODES);
  const commands = [...runCommands(), ...resultCommands(), ...jobCommands(), reportCommand(), estimateCommand(), doctorCommand(), localCommand()];
  for (const command of commands) program.addCommand(command.exitOverride().copyInheritedSettings(program));
  try {
    await program.parseAsync();
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // it has printed its message
    const { message, stack } = error as Error;
    process.stderr.write(`burst: ${process.env.BURST_DEBUG === '1' ? stack : message}\n`);
    return exitCodeOf(error);
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1)); // whoever read has had enough
void main().then((code) => process.stdout.write('', () => process.exit(code)));
