/**
 * The seam at which a simulation hurts a call to AWS: before it took effect (a throttle, a refusal) or after (the answer
 * was lost, the most fruitful fault of all), or by making the caller wait.
 */
export interface CallFaults {
  /** May throw or wait; the call has not happened. */
  before?(command: string, input: unknown): Promise<void> | void;
  /** May throw or wait; the call has happened. */
  after?(command: string, input: unknown): Promise<void> | void;
}

/** The same port, with the faults around each call. */
export function faultyPort<Port extends { send(command: never): Promise<unknown> }>(
  port: Port,
  faults: CallFaults,
): Port {
  const send = async (command: { constructor: { name: string }; input?: unknown }) => {
    await faults.before?.(command.constructor.name, command.input);
    const output: unknown = await Reflect.apply(port.send, port, [command]);
    await faults.after?.(command.constructor.name, command.input);
    return output;
  };
  return new Proxy(port, {
    get: (target, property) => (property === 'send' ? send : Reflect.get(target, property, target)),
  });
}
