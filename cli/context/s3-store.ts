import type { Bucket } from '../../aws/bucket.ts';
import type { RunStore } from './run-store.ts';

/** What a person asks for is held whole, up to this: half of what a text of Node's can be. */
const MAX_BYTES = 256 * 1024 * 1024;

/** The bucket through S3. */
export function s3Store(bucket: () => Promise<Bucket>): RunStore {
  return {
    text: async (key) => (await (await bucket()).read(key, { maxBytes: MAX_BYTES }))?.text,
    stream: async (key) => (await bucket()).stream(key, { mayList: true }),
    folders: async (prefix) => {
      const { folders } = await (await bucket()).folders(prefix);
      return folders.map((folder) => folder.slice(prefix.length).replace(/\/$/, ''));
    },
  };
}
