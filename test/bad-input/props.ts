import { Duration } from 'aws-cdk-lib';
import { BurstComputeProps, CombineMode, FanOut } from '../../src';

const days = (n: number) => Duration.days(n);
const seconds = (n: number) => Duration.seconds(n);

/** Props that are wrong whatever the functions, and the whole message. */
export const PROPS: [props: Partial<BurstComputeProps>, message: string][] = [
  [{ batchSize: 0 }, 'batchSize must be a whole number of at least 1, got 0'],
  [{ batchSize: 1.5 }, 'batchSize must be a whole number of at least 1, got 1.5'],
  [{ batchSize: NaN }, 'batchSize must be a whole number of at least 1, got NaN'],
  [{ batchSize: Infinity }, 'batchSize must be a whole number of at least 1, got Infinity'],
  [{ batchSize: '7' as unknown as number }, 'batchSize must be a whole number of at least 1, got 7'],
  [{ maxConcurrency: 0 }, 'maxConcurrency must be a whole number of at least 1, got 0; leave it out to be bounded by the account alone'],
  [{ maxConcurrency: 2.5 }, 'maxConcurrency must be a whole number of at least 1, got 2.5; leave it out to be bounded by the account alone'],
  [{ branching: 1 }, 'branching must be a whole number from 2 to 1000, got 1'],
  [{ branching: 1_001 }, 'branching must be a whole number from 2 to 1000, got 1001'],
  [{ branching: 2.5 }, 'branching must be a whole number from 2 to 1000, got 2.5'],
  [{ workerRetries: -1 }, 'workerRetries must be a whole number from 0 to 10, got -1'],
  [{ workerRetries: 11 }, 'workerRetries must be a whole number from 0 to 10, got 11'],
  [{ toleratedFailurePercentage: 101 }, 'toleratedFailurePercentage must be a number from 0 to 100, got 101'],
  [{ toleratedFailurePercentage: -1 }, 'toleratedFailurePercentage must be a number from 0 to 100, got -1'],
  [{ toleratedFailurePercentage: NaN }, 'toleratedFailurePercentage must be a number from 0 to 100, got NaN'],
  [{ timeout: seconds(9) }, 'timeout must be a whole number of seconds from 10 to 31532400, got 9; an execution of Step Functions may take a year'],
  [{ timeout: Duration.millis(10_500) },
    'timeout must be a whole number of seconds from 10 to 31532400, got 10.5; an execution of Step Functions may take a year'],
  [{ timeout: days(365), resultRetention: days(400) },
    'timeout must be a whole number of seconds from 10 to 31532400, got 31536000; an execution of Step Functions may take a year'],
  [{ repairInterval: seconds(4) }, 'repairInterval must be a whole number of seconds from 5 to 900, got 4'],
  [{ repairInterval: Duration.minutes(16) }, 'repairInterval must be a whole number of seconds from 5 to 900, got 960'],
  [{ resultRetention: seconds(9) }, 'resultRetention must be a whole number of seconds of at least 10, got 9'],
  [{ resultRetention: Duration.hours(11) }, 'resultRetention must be at least the timeout of 43200 seconds, got 39600 seconds: '
    + 'results must not expire while their job runs; raise resultRetention or lower timeout'],
  [{ repairInterval: seconds(5) }, 'timeout and repairInterval must allow at most 1500 repair rounds, got a timeout of 43200 seconds with a '
    + 'repairInterval of 5 seconds, up to 8640 rounds: an execution keeps 25,000 events and a round takes about 13 (waits grow while a job is quiet, '
    + 'up to 15 minutes, but every round of a struggling job may be a busy one); raise repairInterval to at least 29 seconds or lower '
    + 'timeout to at most 7500 seconds'],
  [{ timeout: days(16), resultRetention: days(20), repairInterval: Duration.minutes(15) }, 'timeout and repairInterval must allow at most 1500 repair '
    + 'rounds, got a timeout of 1382400 seconds with a repairInterval of 900 seconds, up to 1536 rounds: an execution keeps 25,000 events and a round '
    + 'takes about 13 (waits grow while a job is quiet, up to 15 minutes, but every round of a struggling job may be a busy one); lower timeout '
    + 'to at most 1350000 seconds, with a repairInterval of 900 seconds'],
  [{ combineMode: CombineMode.TREE },
    'combineMode TREE needs a combiner, got none: set combiner, or leave combineMode out for jobs that end with the manifest of their results'],
  [{ combineMode: CombineMode.COLLECT },
    'combineMode COLLECT needs a combiner, got none: set combiner, or leave combineMode out for jobs that end with the manifest of their results'],
  [{ fanOut: FanOut.distributedMap(), branching: 4 },
    'branching needs FanOut.tree(), got 4 with FanOut.distributedMap(): there are no dispatchers to split; leave it out'],
  [{ combineMode: 'tree' as CombineMode }, 'combineMode must be one of COLLECT, TREE, NONE, got tree'],
];
