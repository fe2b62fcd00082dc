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
  call: Pick<RecordedCall, 'service' | 'operation' | 'input'>,
  go: () => Promise<Output>,
  onCall: (call: RecordedCall) => void,
): Promise<Output> {
  const asked = { ...call, input: plain(call.input) };
  try {
    const output = await go();
    onCall({ ...asked, output: plain(output) });
    return output;
  } catch (error) {
    onCall({ ...asked, error: error instanceof Error ? error.name : String(error) });
    throw error;
  }
}

/** What the SDK's client sends. @param serviceId as AWS's models call the service */
export function callOf(serviceId: string, command: { input: object }) {
  const operation = command.constructor.name.replace(/Command$/, '');
  return { service: serviceId, operation, input: command.input };
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
      callOf(serviceId, args[0]),
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
