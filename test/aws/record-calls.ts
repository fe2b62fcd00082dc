import { BatchInProcess } from '../../local/batch/batch-in-process.ts';
import { S3InProcess } from '../../local/s3/s3-in-process.ts';
import { StatesInProcess } from '../../local/states/states-in-process.ts';

/** One call as a JSON line can hold it; dates and bytes are marked, streams become empty bytes. */
export interface RecordedCall {
  service: 's3' | 'batch' | 'stepfunctions';
  operation: string;
  input: unknown;
  output?: unknown;
  error?: string;
}

const PORTS = [
  ['s3', S3InProcess],
  ['batch', BatchInProcess],
  ['stepfunctions', StatesInProcess],
] as const;

/** Notes every call that reaches a fake of the local system, whoever sends it, until the result is called. */
export function recordCalls(onCall: (call: RecordedCall) => void): () => void {
  const undo = PORTS.map(([service, port]) => {
    const real = port.prototype.send;
    const send = async function (this: object, command: { input: object }): Promise<unknown> {
      const operation = command.constructor.name.replace(/Command$/, '');
      const input = plain(command.input);
      try {
        const output: unknown = await Reflect.apply(real, this, [command]);
        onCall({ service, operation, input, output: plain(output) });
        return output;
      } catch (error) {
        onCall({ service, operation, input, error: error instanceof Error ? error.name : String(error) });
        throw error;
      }
    };
    Object.defineProperty(port.prototype, 'send', { value: send, configurable: true, writable: true });
    return () =>
      Object.defineProperty(port.prototype, 'send', { value: real, configurable: true, writable: true });
  });
  return () => {
    for (const each of undo) each();
  };
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
