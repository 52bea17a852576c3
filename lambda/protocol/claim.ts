import { leafKey, Writer } from './keys';
import { DispatchEvent, LeafRow } from './model';
import { Ports } from './ports';

/**
 * Takes a leaf for this invocation. The event says which attempt its sender saw last; of all who come with the same
 * event, and of a predecessor that is still alive, one wins. No clock decides: only the monitor reads leases.
 */
export async function claimLeaf(ports: Ports, event: DispatchEvent): Promise<{ writer: Writer; row: LeafRow } | undefined> {
  const owner = ports.random.nonce();
  const attempt = event.expect + 1;
  const now = ports.clock.now();
  const written = await ports.store.tasks.update(
    leafKey(event.jobId, event.epoch, event.lo),
    {
      set: { attempt, owner, leaseUntil: now + event.plan.leaseSeconds * 1000, startedAt: now, ttl: event.plan.ttl },
      remove: ['released', 'endedAt'],
    },
    {
      any: [
        ...(event.expect === 0 ? [{ absent: 'attempt' }] : []),
        { equals: ['attempt', event.expect] },
        // our own earlier try, whose answer was lost
        { equals: ['owner', owner] },
      ],
    },
  );
  if (!written.ok) return undefined;
  return {
    writer: { jobId: event.jobId, epoch: event.epoch, leaf: event.lo, attempt, owner },
    row: written.row as unknown as LeafRow,
  };
}
