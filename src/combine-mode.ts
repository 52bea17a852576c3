/**
 * How the results of a job are combined.
 */
export enum CombineMode {
  /**
   * The combiner is called once, with the results of all batches.
   */
  COLLECT = 'COLLECT',

  /**
   * The combiner is called while the job runs: with the results of each 64 consecutive batches, then with each 64 of its own answers,
   * in order, and so on until one is left, which is the answer of the job.
   *
   * It must be associative: combining answers of parts must give what combining the whole would.
   */
  TREE = 'TREE',

  /**
   * There is no combiner: the job ends with the manifest of its results.
   */
  NONE = 'NONE',
}
