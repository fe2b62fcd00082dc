import type { Settings } from './plan-deployment.ts';

/** What a deployment does outside of AWS' clients. */
export interface Hands {
  /** Runs a program to its end, its output shown. @throws when it cannot be started or does not end with 0 */
  run(program: string, args: readonly string[], input?: string): Promise<void>;
  /** Bundles functions and runner into `dist/`. */
  bundle(): Promise<void>;
  /** The tag of the image that would be built now. */
  imageTag(settings: Settings): string;
  /** Builds it and pushes it there. */
  pushImage(settings: Settings, repository: string): void;
  /** AWS's on-demand price of an instance, USD an hour; undefined where it may not be asked. */
  priceOf(instanceType: string, region: string): Promise<number | undefined>;
  builder: 'docker' | 'buildah' | undefined;
  say(line: string): void;
  sleep(ms: number): Promise<void>;
}

/** It could not be done, or was not: says what and what to do. */
export class DeployFailed extends Error {
  override readonly name = 'DeployFailed';
}
