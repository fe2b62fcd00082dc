import * as z from 'zod';
import type { Deployment } from './deployment.ts';

/** Where a local system keeps all that it has, in the folder of whoever starts it. */
export const LOCAL_FOLDER = '.sierra-batch';

/** Beside the bucket in it, for as long as a local system is up. Holds its access key: its owner's only. */
export const LOCAL_ENDPOINT_FILE = 'local.json';

const record = z.object({
  version: z.literal(1),
  pid: z.int().positive(),
  /** By the names of the SDK's own variables, so that it can be an environment as well. */
  endpoint: z.object({
    AWS_ENDPOINT_URL_S3: z.url(),
    AWS_ENDPOINT_URL_SFN: z.url(),
    AWS_ENDPOINT_URL_BATCH: z.url(),
    AWS_REGION: z.string().min(1),
    AWS_ACCESS_KEY_ID: z.string().min(1),
    AWS_SECRET_ACCESS_KEY: z.string().min(1),
  }),
  deployment: z.custom<Deployment>(
    (value) => typeof value === 'object' && value !== null && 'bucket' in value,
  ),
});

/** How another process reaches a local system, and what was deployed there. */
export type LocalEndpoint = z.infer<typeof record>;

export function renderLocalEndpoint(endpoint: LocalEndpoint): string {
  return `${JSON.stringify(endpoint, undefined, 2)}\n`;
}

/** Undefined for a file that no local system of this version wrote. */
export function parseLocalEndpoint(text: string): LocalEndpoint | undefined {
  try {
    return record.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // Not JSON: cut off, or somebody else's.
  }
}
