import * as z from 'zod';
import type { Deployment } from './deployment.ts';

/** Beside the bucket in `.sierra-batch/`, for as long as a local system is up. Holds its access key: its owner's only. */
export const LOCAL_ENDPOINT_FILE = 'local.json';

const record = z.object({
  version: z.literal(1),
  pid: z.int().positive(),
  /** The SDK's own variables: endpoints, region, keys. */
  endpoint: z.record(z.string(), z.string()),
  deployment: z.custom<Deployment>(
    (value) => typeof value === 'object' && value !== null && 'bucket' in value,
  ),
});

/** How another process reaches a local system: what it sets in its environment, and what was deployed there. */
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
