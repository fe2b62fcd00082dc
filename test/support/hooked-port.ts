/** A call of a port: which, and with what. */
export type CallOf<Port> = {
  [Name in keyof Port]: Port[Name] extends (input: infer Input) => unknown
    ? { name: Name; input: Input }
    : never;
}[keyof Port];

/** Puts a recorder in front of a port. @param service as AWS's models call it */
export type RecordPort = <Port extends object>(service: string, port: Port) => Port;

/**
 * A port whose calls go through `hook` first: it may throw instead, do the call and then throw, or answer otherwise. `go`
 * does the real call. For one call alone `{ ...port, putObject: … }` is enough.
 */
export function hooked<Port extends object>(
  port: Port,
  hook: (call: CallOf<Port>, go: () => Promise<unknown>) => unknown,
): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (input: unknown) =>
        hook({ name, input } as CallOf<Port>, async () => Reflect.apply(method, target, [input]));
    },
  });
}
