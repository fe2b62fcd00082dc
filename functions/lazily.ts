import { atFirstUse } from '../experiment/util/lazy.ts';

interface Client {
  send(command: never): Promise<unknown>;
}

/** A client that is loaded and made when it is first asked for something: most calls of a function never do. */
export function lazily<Port extends Client>(make: () => Promise<Port>): Port;
export function lazily(make: () => Promise<Client>): Client {
  const client = atFirstUse(make);
  return { send: async (command) => (await client()).send(command) };
}
