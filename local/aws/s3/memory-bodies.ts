import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Bodies } from './bodies.ts';

/** Bodies in memory: for simulations and tests. */
export function memoryBodies(): Bodies {
  const bytesOf = new Map<string, Uint8Array>();
  return {
    write: async (body: Readable | Uint8Array) => {
      const bytes = body instanceof Uint8Array ? Uint8Array.from(body) : new Uint8Array(await buffer(body));
      return {
        size: bytes.length,
        md5: createHash('md5').update(bytes).digest('hex'),
        commit: (_key, versionId) => {
          bytesOf.set(versionId, bytes);
        },
        discard: () => undefined,
      };
    },
    read: (_key, versionId, from, to) => (bytesOf.get(versionId) ?? new Uint8Array()).subarray(from, to + 1),
    hide: () => undefined,
    drop: (_key, versionId) => {
      bytesOf.delete(versionId);
    },
  };
}
