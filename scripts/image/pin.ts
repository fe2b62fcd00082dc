import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ImageFailed } from './build.ts';

const DOCKERFILE = fileURLToPath(new URL('../../container/image/Dockerfile', import.meta.url));
const BASE = /^(ARG (?:NODE|SYSTEM)_IMAGE=)([^@\s]+)(?:@\S+)?$/gm;
const WITHIN_MS = 30_000;
/** An index of all architectures before one architecture's own manifest: the pin must hold for both. */
const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** Writes the digests that the Dockerfile's base images have today behind their tags. Answers its new lines. @throws ImageFailed */
export async function pinDockerfile(file = DOCKERFILE): Promise<string[]> {
  const text = readFileSync(file, 'utf8');
  const images = new Set([...text.matchAll(BASE)].map(([, , image = '']) => image));
  const digests = new Map<string, string>();
  for (const image of images) digests.set(image, await digestOf(image));
  const pinned = text.replaceAll(BASE, (_, start, image) => `${start}${image}@${digests.get(image)}`);
  writeFileSync(file, pinned);
  return pinned.match(BASE) ?? [];
}

/** `registry/repository:tag`, as the registry itself resolves it. @throws ImageFailed */
async function digestOf(image: string): Promise<string> {
  const [, registry = '', repository = '', tag = ''] = /^([^/]+)\/(.+):([^:/]+)$/.exec(image) ?? [];
  if (registry === '') throw new ImageFailed(`${image} is not registry/repository:tag`);
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  const scheme = /^(localhost|127\.0\.0\.1)(:|$)/.test(host) ? 'http' : 'https';
  const url = `${scheme}://${host}/v2/${repository}/manifests/${tag}`;
  let answer = await ask(url, { method: 'HEAD', headers: { accept: MANIFESTS } });
  if (answer.status === 401) {
    const authorization = `Bearer ${await anonymousToken(answer.headers.get('www-authenticate') ?? '')}`;
    answer = await ask(url, { method: 'HEAD', headers: { accept: MANIFESTS, authorization } });
  }
  const digest = answer.headers.get('docker-content-digest') ?? '';
  if (!answer.ok || !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new ImageFailed(`${registry} tells no digest of ${repository}:${tag} (status ${answer.status})`);
  return digest;
}

/** Public images need a token too, which anyone is given. */
async function anonymousToken(challenge: string): Promise<string> {
  const fields = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const realm = fields.get('realm');
  if (realm === undefined) throw new ImageFailed(`a registry asks for a password: ${challenge}`);
  const url = new URL(realm);
  for (const name of ['service', 'scope']) url.searchParams.set(name, fields.get(name) ?? '');
  const answer: unknown = await (await ask(url.href, {})).json();
  if (typeof answer === 'object' && answer !== null && 'token' in answer) return String(answer.token);
  throw new ImageFailed(`${url.host} gives no token`);
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(WITHIN_MS) });
  } catch (error) {
    throw new ImageFailed(`${new URL(url).host} does not answer: ${String(error)}`);
  }
}
