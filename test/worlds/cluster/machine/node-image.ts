import { fileURLToPath } from 'node:url';
import type { ImageEnvironment } from '../../../../local/nodes/node-container.ts';

/** An image that was unpacked, and what its configuration says. */
export interface NodeImage {
  /** Its root folder; nodes never write there, each has a layer of its own. */
  root: string;
  entrypoint: readonly string[];
  /** `uid:gid` in numbers. */
  user: string;
  /** Its `ENV`, with what a container engine adds (HOME). */
  environment: ImageEnvironment;
}

const SCRIPT = fileURLToPath(new URL('./image-root.sh', import.meta.url));

/** The command that becomes an image's entry, in the namespaces it is started in. */
export function entryOf({ root, user, entrypoint }: NodeImage): string[] {
  return ['bash', SCRIPT, root, user, ...entrypoint];
}
