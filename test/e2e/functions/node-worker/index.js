// A worker that does what the job's parameters say for a batch: { misbehave: { "<batchId>": "throw" | "exit" | "hang" | "flaky" }, bytes }
exports.handler = async ({ batchId, invocationAttempt, range, items, parameters = {} }) => {
  const { misbehave = {}, bytes = 0, sleepMs = 0 } = parameters;
  if (sleepMs) await new Promise((resolve) => setTimeout(resolve, sleepMs));
  switch (misbehave[batchId]) {
    case 'throw': throw new TypeError(`cannot work on batch ${batchId}`);
    case 'flaky': if (invocationAttempt === 1) throw new Error('only the first time'); break;
    case 'brokenOnce': {
      // until somebody mends what it needs: the same batch works in a later job
      const { existsSync } = require('fs');
      if (!existsSync(parameters.mendedBy)) throw new Error('not mended yet');
      break;
    }
    case 'exit': process.exit(1);
    case 'hang': await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
  const numbers = items ?? Array.from({ length: range.end - range.start }, (_, i) => range.start + i);
  return { batchId, squares: numbers.map((n) => n * n), padding: 'x'.repeat(bytes), by: process.env.AWS_LAMBDA_FUNCTION_NAME };
};

/** For unlike tasks: gives back what it was given, or does as its params say. */
exports.task = async ({ task: { id, function: name, params }, invocationAttempt, range, items, parameters }) => {
  if (params?.fail === 'always') throw new RangeError(`${id} cannot be done`);
  if (params?.fail === 'once' && invocationAttempt === 1) throw new Error('only the first time');
  if (params?.hang) await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (params?.sleepMs) await new Promise((resolve) => setTimeout(resolve, params.sleepMs));
  return { id, name, params: params ?? null, parameters, range, items, padding: params?.bytes ? 'x'.repeat(params.bytes) : undefined };
};
