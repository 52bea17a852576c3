import { spawn } from 'child_process';
import { existsSync, readdirSync, readFileSync } from 'fs';
import { cp, mkdir, rm, writeFile } from 'fs/promises';
import { homedir } from 'os';
import * as path from 'path';
import { Language } from './toolchains';

const ROOT = path.join(__dirname, '..');
const DIST = path.join(ROOT, 'dist');
const GO_MODULE = 'github.com/cdk-burst-compute/cdk-burst-compute-go/cdkburstcompute';
const JAVA_FOLDER = ['io', 'github', 'cdk-burst-compute', 'cdk-burst-compute'];
const JAVA_README = 'io/github/cdkburstcompute/package-info.java'; // what javadoc shows of a package
const NPM_INSTALL = ['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error'];
/** Built files and packages of the checkout stay behind: a consumer starts from what is committed. */
const LEFT_BEHIND = /[\\/](node_modules|cdk\.out|dist|target|__pycache__)([\\/]|$)/;

/** A CDK app in one language: `<name>/<language>` below the workspace. */
export interface App {
  readonly name: string;
  readonly language: Language;
}

/** A folder outside of the checkout with apps and the packed artifacts: nothing in it can reach the sources. */
export class Workspace {
  constructor(readonly folder: string) {}

  /** Copies the apps of `consumers/` and `examples/` into the workspace and finds those of each language. */
  async fill(languages: readonly Language[]): Promise<App[]> {
    const sources = { consumers: __dirname, ...Object.fromEntries(examples().map((name) => [name, path.join(ROOT, 'examples', name)])) };
    const apps: App[] = [];
    for (const [name, from] of Object.entries(sources)) {
      const to = path.join(this.folder, name);
      await cp(from, to, { recursive: true, filter: (file) => !LEFT_BEHIND.test(file.slice(from.length)) });
      if (existsSync(path.join(to, 'functions', 'java')) && !languages.includes('java')) continue; // nothing could build that worker
      apps.push(...languages.filter((language) => existsSync(path.join(to, language, 'cdk.json'))).map((language) => ({ name, language })));
    }
    return apps;
  }

  /** Installs the artifact of a language, with what its apps need beside it, the way its users do. */
  async install(language: Language, apps: readonly App[]): Promise<void> {
    const folders = apps.filter((app) => app.language === language).map((app) => this.folderOf(app));
    switch (language) {
      case 'typescript': {
        const merged: Record<string, string> = {};
        for (const folder of folders) {
          const { dependencies, devDependencies } = JSON.parse(readFileSync(manifestOf(folder), 'utf8'));
          Object.assign(merged, dependencies, devDependencies);
        }
        merged['cdk-burst-compute'] = `file:${artifact('js', '.tgz')}`;
        await writeFile(path.join(this.folder, 'package.json'), JSON.stringify({ private: true, dependencies: merged }));
        await this.run(NPM_INSTALL, this.folder);
        return this.run(['node', '-e', 'for (const entry of ["", "/client", "/runtime"]) require("cdk-burst-compute" + entry)'], this.folder);
      }
      case 'python':
        await this.run(['python3', '-m', 'venv', this.venv], this.folder);
        // with what the apps ask for in pyproject.toml; ours comes from the wheel
        await this.run([path.join(this.venv, 'bin', 'pip'), 'install', '--quiet', '--find-links', path.join(DIST, 'python'),
          artifact('python', '.whl'), ...folders], this.folder);
        return this.importFromSource();
      case 'java':
        // a repository's layout is the same on both sides, so this is an installation; it replaces that of the last run
        await cp(path.join(DIST, 'java'), this.mavenRepository, { recursive: true });
        for (const folder of folders) await this.run(['mvn', '-q', '-B', 'compile'], folder);
        return;
      case 'go':
        await cp(path.join(DIST, 'go', 'cdkburstcompute'), path.join(this.folder, 'go-module'), { recursive: true });
        for (const folder of folders) {
          await this.run(['go', 'mod', 'edit', `-replace=${GO_MODULE}=${path.join(this.folder, 'go-module')}`], folder);
          await this.run(['go', 'mod', 'tidy'], folder);
          await this.run(['go', 'vet', '.'], folder);
        }
    }
  }

  /** What the package of a language says about the construct: the README with its examples in that language. */
  async readme(language: Exclude<Language, 'typescript'>): Promise<string> {
    switch (language) {
      case 'python':
        return this.output([path.join(this.venv, 'bin', 'python'), '-c', 'from importlib.metadata import metadata; print(metadata("cdk-burst-compute").get_payload())'],
          this.folder);
      case 'java': {
        const version = path.join(DIST, 'java', ...JAVA_FOLDER);
        const [sources] = readdirSync(version, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('-sources.jar'));
        await this.run(['jar', '--extract', '--file', path.join(version, sources), JAVA_README], this.folder);
        return readFileSync(path.join(this.folder, JAVA_README), 'utf8');
      }
      case 'go':
        return readFileSync(path.join(this.folder, 'go-module', 'README.md'), 'utf8');
    }
  }

  /** Runs what the apps of a name have their functions built with, once: it is the same in each language. */
  async build(apps: readonly App[]): Promise<void> {
    const commands = new Set(apps.map((app) => cdkJson(this.folderOf(app)).build));
    if (commands.size > 1) throw new Error(`${apps[0].name} is built differently in each language: ${[...commands].join(', ')}`);
    for (const command of commands) if (command) await this.run(['sh', '-c', command], this.folderOf(apps[0]));
  }

  /** Synthesises an app, whose functions are built, with the CDK CLI; returns the folder of the cloud assembly. */
  async synthesise(app: App): Promise<string> {
    const folder = this.folderOf(app);
    const assembly = path.join(this.folder, 'assemblies', `${app.name}-${app.language}`);
    await mkdir(path.dirname(assembly), { recursive: true });
    // the version report names the language's runtime; all else has to be the same in each
    await this.run([path.join(this.folder, 'node_modules', '.bin', 'cdk'), 'synth', '--quiet', '--no-version-reporting', '--no-notices', '--build', 'true',
      '--output', assembly], folder);
    return assembly;
  }

  /** Synthesises a TypeScript app with the newest aws-cdk-lib and constructs that npm serves; all else here has the oldest that are allowed. */
  async synthesiseOnNewest(app: App): Promise<string> {
    const folder = path.join(this.folder, 'newest');
    await cp(path.join(this.folder, app.name), folder, { recursive: true });
    const project = path.join(folder, app.language);
    const manifest = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8'));
    Object.assign(manifest.dependencies, { 'aws-cdk-lib': 'latest', 'constructs': 'latest', 'cdk-burst-compute': `file:${artifact('js', '.tgz')}` });
    delete manifest.devDependencies['aws-cdk']; // the app writes its assembly without the command, which follows another numbering
    await writeFile(path.join(project, 'package.json'), JSON.stringify(manifest));
    await this.run(NPM_INSTALL, project);
    await this.run(['node', '-r', 'ts-node/register', 'app.ts'], project, '', { CDK_OUTDIR: path.join(folder, 'cdk.out') });
    return path.join(folder, 'cdk.out');
  }

  /** Runs one command; its output is shown only when it fails. */
  async run(command: string[], cwd: string, input = '', environment: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.output(command, cwd, input, environment);
  }

  /** What a command prints on its standard output. */
  async output([command, ...args]: string[], cwd: string, input = '', environment: NodeJS.ProcessEnv = {}): Promise<string> {
    const child = spawn(command, args, { cwd, env: { ...this.environment, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let all = '';
    child.stdout.on('data', (chunk) => { out += chunk; all += chunk; });
    child.stderr.on('data', (chunk) => { all += chunk; });
    child.stdin.on('error', () => undefined).end(input); // it need not read to the end
    const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (code !== 0) throw new Error(`\`${[command, ...args].join(' ')}\` failed in ${cwd}:\n${all.slice(-4000)}`);
    return out;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The source distribution holds all that the wheel does; workers' own distribution has the same version. */
  private async importFromSource(): Promise<void> {
    const folder = path.join(this.folder, 'from-source');
    await this.run([path.join(this.venv, 'bin', 'pip'), 'install', '--quiet', '--no-deps', '--target', folder, artifact('python', '.tar.gz')], this.folder);
    const script = 'import cdk_burst_compute as b; print(b.__file__, end="")'; // this loads the packed construct, too
    const file = await this.output([path.join(this.venv, 'bin', 'python'), '-c', script], this.folder, '', { PYTHONPATH: folder });
    if (!file.startsWith(folder)) throw new Error(`cdk_burst_compute should come from ${folder}, got ${file}`);
    const versions = [artifact('python', '.tar.gz'), artifact('burst-compute', '.tar.gz')].map((archive) => /-([^-]+)\.tar\.gz$/.exec(archive)![1]);
    if (versions[0] !== versions[1]) throw new Error(`the two Python distributions must have one version, got ${versions.join(' and ')}: run \`npx projen\``);
  }

  private folderOf({ name, language }: App): string {
    return path.join(this.folder, name, language);
  }

  private get venv(): string {
    return path.join(this.folder, 'venv');
  }

  /** Kept between runs, because Maven has no other cache. */
  private get mavenRepository(): string {
    return path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'cdk-burst-compute', 'maven');
  }

  private get environment(): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(([name]) => !/^(AWS_|npm_|NODE_PATH$|PYTHONPATH$)/.test(name));
    return {
      ...Object.fromEntries(kept),
      PATH: [path.join(this.venv, 'bin'), path.join(this.folder, 'node_modules', '.bin'), process.env.PATH].join(path.delimiter),
      MAVEN_OPTS: `${process.env.MAVEN_OPTS ?? ''} -Dmaven.repo.local=${this.mavenRepository}`,
      JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '1',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
    };
  }
}

function examples(): string[] {
  return readdirSync(path.join(ROOT, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

function cdkJson(folder: string): { readonly build?: string } {
  return JSON.parse(readFileSync(path.join(folder, 'cdk.json'), 'utf8'));
}

/** An app's package.json, or that of its example, where functions need packages as well. */
function manifestOf(folder: string): string {
  return [folder, path.dirname(folder)].map((at) => path.join(at, 'package.json')).find((file) => existsSync(file))!;
}

/** The one packed file of a language. */
function artifact(folder: string, extension: string): string {
  const files = existsSync(path.join(DIST, folder)) ? readdirSync(path.join(DIST, folder)).filter((file) => file.endsWith(extension)) : [];
  if (files.length !== 1) throw new Error(`dist/${folder} must hold one ${extension} file, got ${files.length}: run \`npm run package-all\` first`);
  return path.join(DIST, folder, files[0]);
}
