/**
 * Stands in for Node's AbortController in the simulation's bundle. The core makes one per wait, and Node's own, with its event
 * machinery, would take most of the time of a run.
 */
class LightSignal {
  aborted = false;
  private listeners = new Set<() => void>();

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }

  fire(): void {
    if (this.aborted) return;
    this.aborted = true;
    const listeners = this.listeners;
    this.listeners = new Set();
    listeners.forEach((listener) => listener());
  }
}

class LightController {
  readonly signal = new LightSignal();

  abort(): void {
    this.signal.fire();
  }
}

export { LightController as AbortController };
