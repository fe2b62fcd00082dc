import type { Told } from '../records/control.ts';

/**
 * Longer than sending a message and writing down that it was sent can take, with all tries and time limits of the clients:
 * whoever holds the lease when it is over was killed.
 */
const LEASE_MS = 120_000;

/** Of these messages, by their keys, the ones that nobody has been told of. */
export function untold(told: Told | undefined, keys: readonly string[]): string[] {
  const known = new Set(told?.keys);
  return keys.filter((key) => !known.has(key));
}

/** The right to send them, until the lease is over; undefined when all were sent or another copy is at it. */
export function withTelling(
  told: Told | undefined,
  keys: readonly string[],
  nonce: string,
  now: number,
): Told | undefined {
  const isTaken = told?.telling !== undefined && told.telling.leaseUntil > now;
  if (isTaken || untold(told, keys).length === 0) return undefined;
  return { keys: told?.keys ?? [], telling: { nonce, leaseUntil: now + LEASE_MS } };
}

/** What was sent is written down, and the right is given back unless another copy has it by now. */
export function withTold(told: Told | undefined, keys: readonly string[], nonce: string): Told {
  const { telling, keys: before = [] } = told ?? {};
  const all = [...new Set([...before, ...keys])];
  return telling === undefined || telling.nonce === nonce ? { keys: all } : { keys: all, telling };
}
