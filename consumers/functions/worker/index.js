/** Counts the primes of one batch. */
exports.handler = async ({ range }) => {
  let primes = 0;
  for (let n = Math.max(2, range.start); n < range.end; n++) {
    let divisor = 2;
    while (divisor * divisor <= n && n % divisor !== 0) divisor++;
    if (divisor * divisor > n) primes++;
  }
  return primes;
};
