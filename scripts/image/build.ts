import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Architecture } from './options.ts';

/** Arguments of the Dockerfile, by name. */
export type BuildArguments = Readonly<Record<string, string>> & { SIERRA: '0' | '1'; VERSION: string };

export interface Build {
  /** The repository: what is copied lies in it. */
  root: string;
  name: string;
  architecture: Architecture;
  args: BuildArguments;
}

export type Builder = 'docker' | 'buildah';

/** No image: says what was tried and what to do. */
export class ImageFailed extends Error {
  override readonly name = 'ImageFailed';
}

/** An image with SIERRA on a slow network takes this long at most. */
const BUILD_WITHIN_MS = 60 * 60_000;
const PLATFORMS: Record<Architecture, string> = { x86_64: 'linux/amd64', arm64: 'linux/arm64' };
/** The Dockerfile needs BuildKit; an image alone, without an index of attestations around it, is what ECS has always run. */
const BUILDKIT = { DOCKER_BUILDKIT: '1', BUILDKIT_PROGRESS: 'plain', BUILDX_NO_DEFAULT_ATTESTATIONS: '1' };

/** docker where its engine answers, otherwise buildah. @throws ImageFailed when neither works */
export function findBuilder(): Builder {
  const docker = works('docker', ['version', '--format', '{{.Server.Version}}']);
  if (docker.ok) return 'docker';
  const buildah = works('buildah', ['version']);
  if (buildah.ok) return 'buildah';
  throw new ImageFailed(
    `an image needs docker or buildah, and neither works here:\n  ${docker.why}\n  ${buildah.why}\n` +
      'Start the docker engine, or install buildah (Debian: sudo apt-get install buildah).',
  );
}

/** @throws ImageFailed */
export function buildImage(builder: Builder, { root, name, architecture, args }: Build): void {
  run(builder, [
    'build',
    // As docker makes them, so that ECR and ECS see the same either way.
    ...(builder === 'buildah' ? ['--format', 'docker', '--layers'] : []),
    ...[
      '--platform',
      PLATFORMS[architecture],
      '--file',
      join(root, 'container/image/Dockerfile'),
      '--tag',
      name,
    ],
    ...Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
    root,
  ]);
}

/** @throws ImageFailed, as a rule because nobody has logged in to that registry */
export function pushImage(builder: Builder, name: string, there: string): void {
  run(builder, ['tag', name, there]);
  run(builder, ['push', there]);
}

/** What it prints goes to stderr: the only line on stdout is the image's name. */
function run(builder: Builder, args: readonly string[]): void {
  const { status, signal, error } = spawnSync(builder, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...BUILDKIT },
    timeout: BUILD_WITHIN_MS,
  });
  if (status === 0) return;
  const how = error?.message ?? (status === null ? `ended by ${signal}` : `exit ${status}`);
  throw new ImageFailed(`${builder} ${args[0]} failed (${how}): see above`);
}

function works(program: string, args: readonly string[]): { ok: true } | { ok: false; why: string } {
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 30_000 });
  if (status === 0) return { ok: true };
  const missing = error !== undefined && 'code' in error && error.code === 'ENOENT';
  const why = missing ? 'not installed' : (error?.message ?? stderr.trim().split('\n').at(-1) ?? '');
  return { ok: false, why: `${program}: ${why}` };
}
