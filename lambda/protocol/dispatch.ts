import { checkDispatchEvent } from './events';
import { fanOut } from './fan-out';
import { runLeaf } from './leaf';
import { DispatchEvent } from './model';
import { Budget, Ports } from './ports';
import { orSeal } from './turn';

/** One function, two roles: on several leaves it starts dispatchers for parts of them, on one it runs that leaf. */
export async function dispatch(ports: Ports, event: DispatchEvent, budget: Budget): Promise<void> {
  checkDispatchEvent(event);
  await orSeal(ports, event, async () => {
    if (event.hi - event.lo > 1) await fanOut(ports, event);
    else await runLeaf(ports, event, budget);
  });
}
