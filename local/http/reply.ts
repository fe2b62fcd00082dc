import type { IncomingMessage, ServerResponse } from 'node:http';
import { isFull, STORAGE_FULL, statusOf } from '../../aws/errors.ts';

/** The largest request that is not an object's body. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Sends a whole answer. */
export function reply(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** Reads a request that is no object. @throws RangeError when it is larger than any request of AWS's */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new RangeError('the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What the SDK's JSON protocols need to make their own error of one that a local service threw. */
export function errorOf(error: unknown): { status: number; name: string; message: string } {
  if (!(error instanceof Error)) return { status: 500, name: 'InternalFailure', message: String(error) };
  // A disk without room has none at the next try either, and 500 asks for one.
  if (isFull(error)) return { status: 400, name: STORAGE_FULL, message: error.message };
  return { status: statusOf(error) ?? 500, name: error.name, message: error.message };
}
