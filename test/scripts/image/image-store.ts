import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeImage } from '../../worlds/cluster/machine/node-image.ts';

/** What an image's configuration says, as docker names it. */
interface ImageConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  Labels: Record<string, string>;
}

/** What the Dockerfile starts from. */
export interface BaseImages {
  nodeImage: string;
  systemImage: string;
}

/** With SIERRA, on a busy machine. */
const WITHIN_MS = 18 * 60_000;
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/** A store of images of its own, which buildah works in; nothing of it is left afterwards. */
export class ImageStore {
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), 'sbi-')));
  /** With this environment `npm run image` builds into the store, with buildah even where a docker engine runs. */
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    const at = (name: string) => join(this.#folder, name);
    writeFileSync(
      at('storage.conf'),
      `[storage]\ndriver = "overlay"\nrunroot = "${at('run')}"\ngraphroot = "${at('images')}"\n`,
    );
    // A registry on loopback speaks plain HTTP.
    writeFileSync(at('registries.conf'), '[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n');
    mkdirSync(at('bin'));
    writeFileSync(at('bin/docker'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    this.env = {
      ...process.env,
      PATH: [at('bin'), process.env.PATH].join(delimiter),
      CONTAINERS_STORAGE_CONF: at('storage.conf'),
      CONTAINERS_REGISTRIES_CONF: at('registries.conf'),
      // Containers cannot be started in every place where tests run.
      BUILDAH_ISOLATION: 'chroot',
    };
  }

  /** Builds a Dockerfile given as text. */
  build(
    name: string,
    dockerfile: string,
    context: string,
    args: Readonly<Record<string, string>> = {},
  ): void {
    const file = join(this.#folder, 'Dockerfile');
    writeFileSync(file, dockerfile);
    const given = Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
    this.#buildah('build', '--format', 'docker', '--file', file, '--tag', name, ...given, context);
  }

  /** `npm run image`, on other base images. Answers the name it printed. */
  npmRunImage({ nodeImage, systemImage }: BaseImages, ...options: string[]): string {
    const bases = ['--node-image', nodeImage, '--system-image', systemImage];
    const said = execFileSync('npm', ['run', '--silent', 'image', '--', ...bases, ...options], {
      cwd: REPOSITORY,
      env: this.env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 2],
      timeout: WITHIN_MS,
    });
    return said.trim().split('\n').at(-1) ?? '';
  }

  config(name: string): ImageConfig {
    const { Docker: docker } = JSON.parse(this.#buildah('inspect', '--type', 'image', name));
    return docker.config;
  }

  /** Unpacks an image; its root folder is the store's. */
  unpack(name: string): NodeImage {
    const root = mkdtempSync(join(this.#folder, 'root-'));
    const container = this.#buildah('from', '--pull-never', name).trim();
    execFileSync('cp', ['-a', `${this.#buildah('mount', container).trim()}/.`, root]);
    this.#buildah('rm', container);
    const { Env: env, Entrypoint: entrypoint, User: user } = this.config(name);
    const environment = Object.fromEntries(env.map((line) => line.split(/=(.*)/s).slice(0, 2)));
    return { root, entrypoint, user, environment: { ...environment, HOME: homeOf(root, user) } };
  }

  /** Every path that is in any layer of an image, covered or not. */
  filesInLayers(name: string): string[] {
    const folder = mkdtempSync(join(this.#folder, 'layers-'));
    this.#buildah('push', name, `docker-archive:${join(folder, 'image.tar')}`);
    execFileSync('tar', ['-C', folder, '-xf', join(folder, 'image.tar')]);
    const [{ Layers: layers }] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    const files = (layers as string[]).flatMap((layer) =>
      execFileSync('tar', ['-tf', join(folder, layer)], { encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\n'),
    );
    rmSync(folder, { recursive: true });
    return files;
  }

  close(): void {
    this.#buildah('rm', '--all');
    // buildah keeps its folder of layers mounted on itself; a build that was killed may have left more.
    for (const mount of this.#mounts().toReversed()) spawnSync('umount', [mount]);
    const left = this.#mounts();
    // What is mounted here is this machine's own, and must not be removed.
    if (left.length > 0) throw new Error(`still mounted, so nothing was removed: ${left.join(', ')}`);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #mounts(): string[] {
    return readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((path) => path.startsWith(`${this.#folder}/`));
  }

  #buildah(...args: string[]): string {
    return execFileSync('buildah', args, {
      env: this.env,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      timeout: WITHIN_MS,
    });
  }
}

/** What a container engine makes HOME. */
function homeOf(root: string, user: string): string {
  const [uid] = user.split(':');
  const accounts = readFileSync(join(root, 'etc/passwd'), 'utf8').split('\n');
  return accounts.map((line) => line.split(':')).find((fields) => fields[2] === uid)?.[5] ?? '/';
}
