import { parentPort } from 'node:worker_threads';
import { AwsWorld, JobShape } from './world';

// one job per message
parentPort?.on('message', (shape: JobShape) => {
  new AwsWorld(shape).run().then(
    (outcome) => parentPort!.postMessage({ outcome }), (error: Error) => parentPort!.postMessage({ error: error.stack }),
  );
});
