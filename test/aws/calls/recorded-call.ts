/** One call as a JSON line can hold it; dates and bytes are marked, streams become empty bytes. */
export interface RecordedCall {
  /** As AWS's models call it, its `serviceId`. */
  service: string;
  operation: string;
  input: unknown;
  output?: unknown;
  error?: string;
}

/** Makes the call, and tells of it whether it succeeds or not. */
export async function recordCall<Output>(
  service: string,
  command: { input: object },
  send: () => Promise<Output>,
  onCall: (call: RecordedCall) => void,
): Promise<Output> {
  const operation = command.constructor.name.replace(/Command$/, '');
  const input = plain(command.input);
  try {
    const output = await send();
    onCall({ service, operation, input, output: plain(output) });
    return output;
  } catch (error) {
    onCall({ service, operation, input, error: error instanceof Error ? error.name : String(error) });
    throw error;
  }
}

/** What a client that a test put words into was asked, and answered. */
export async function recordedOf(client: object): Promise<RecordedCall[]> {
  const { serviceId } = Object(Reflect.get(client, 'config'));
  const spied: { args: [{ input: object }]; returnValue: Promise<unknown> }[] = Object(
    Reflect.get(client, 'send'),
  ).getCalls();
  const calls: RecordedCall[] = [];
  for (const { args, returnValue } of spied)
    await recordCall(
      serviceId,
      args[0],
      async () => (await returnValue) ?? {},
      (call) => calls.push(call),
    ).catch(() => undefined); // It is in the record.
  return calls;
}

function plain(value: unknown): unknown {
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof Uint8Array) return { $bytes: '' };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if ('pipe' in value || Symbol.asyncIterator in value) return { $bytes: '' };
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, field]) => key !== '$metadata' && field !== undefined)
      .map(([key, field]) => [key, plain(field)]),
  );
}
