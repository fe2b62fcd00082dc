import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ImageFailed } from '../../../scripts/image/build.ts';
import { makeImage } from '../../../scripts/image/make.ts';
import type { ImageOptions } from '../../../scripts/image/options.ts';
import { readImageOptions } from '../../../scripts/image/options.ts';
import { pinDockerfile } from '../../../scripts/image/pin.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const COPIED = [
  'container/image/Dockerfile',
  'container/image/prepare-image.sh',
  'test/container/sierra/requirements.txt',
];
const PLAIN: ImageOptions = { architecture: 'x86_64', sierra: false, userId: 1000 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sbi-'));
  for (const file of COPIED) cpSync(join(REPOSITORY, file), join(folder, file));
  writeFileSync(join(folder, 'package.json'), '{"version":"0.1.0"}\n');
  mkdirSync(join(folder, 'dist/container'), { recursive: true });
  writeFileSync(join(folder, 'dist/container/main.js'), 'start();\n');
  mkdirSync(join(folder, 'bin'));
  vi.stubEnv('PATH', [join(folder, 'bin'), '/usr/bin', '/bin'].join(delimiter));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A program that notes how it was called; asked for its version it answers as told. */
function tool(name: string, works: boolean): void {
  const script = `#!/bin/sh
if [ "$1" = version ]; then echo "no engine of $0" >&2; exit ${works ? 0 : 1}; fi
echo "${name} $*" >> ${folder}/calls
`;
  writeFileSync(join(folder, 'bin', name), script, { mode: 0o755 });
}

const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
const build = (options: Partial<ImageOptions> = {}) => makeImage({ ...PLAIN, ...options }, folder);

describe('the builder of the image', () => {
  it('is docker where its engine answers', () => {
    tool('docker', true);
    tool('buildah', true);
    const name = build({ userId: 500 });
    expect(calls()).toEqual([
      `docker build --platform linux/amd64 --file ${folder}/container/image/Dockerfile --tag ${name} ` +
        `--build-arg SIERRA=0 --build-arg USER_ID=500 --build-arg VERSION=0.1.0 ${folder}`,
    ]);
  });

  it('is buildah where docker has no engine, making images as docker does', () => {
    tool('docker', false);
    tool('buildah', true);
    build({ architecture: 'arm64', sierra: true, systemImage: 'ubuntu:24.04' });
    expect(calls()).toHaveLength(1);
    expect(calls()[0]).toMatch(
      /^buildah build --format docker .*--platform linux\/arm64 .*SIERRA=1.*SYSTEM_IMAGE=ubuntu:24\.04/,
    );
  });

  it('is missing where neither works, and that is said with what to do', () => {
    vi.stubEnv('PATH', join(folder, 'bin'));
    tool('docker', false);
    expect(() => build()).toThrow(ImageFailed);
    expect(() => build()).toThrow(
      /docker: no engine of .*\n.*buildah: not installed\n.*apt-get install buildah/,
    );
  });

  it('pushes under the same tag, and answers the name there', () => {
    tool('docker', true);
    const name = build();
    const there = build({ push: '1.dkr.ecr.eu-west-1.amazonaws.com/nodes' });
    expect(there).toBe(name.replace('sierra-batch:', '1.dkr.ecr.eu-west-1.amazonaws.com/nodes:'));
    expect(calls().slice(-2)).toEqual([`docker tag ${name} ${there}`, `docker push ${there}`]);
  });

  it('that fails is told by name, and nothing is pushed', () => {
    writeFileSync(join(folder, 'bin/docker'), '#!/bin/sh\n[ "$1" = version ] || exit 7\n', { mode: 0o755 });
    expect(() => build({ push: 'somewhere' })).toThrow('docker build failed (exit 7)');
  });

  it('needs the bundled runner', () => {
    rmSync(join(folder, 'dist'), { recursive: true });
    expect(() => build()).toThrow(/npm run build/);
  });
});

describe('the tag of an image', () => {
  it('is the same for the same content and another for any other', () => {
    tool('docker', true);
    const first = build();
    expect(build()).toBe(first);
    const others = [
      build({ sierra: true }),
      build({ architecture: 'arm64' }),
      build({ userId: 0 }),
      build({ nodeImage: 'node:26' }),
      ...[...COPIED, 'dist/container/main.js', 'dist/container/more.js'].map((file) => {
        writeFileSync(join(folder, file), `# ${file}\n`);
        return build();
      }),
    ];
    expect(new Set([first, ...others]).size).toBe(others.length + 1);
    for (const name of others)
      expect(name).toMatch(/^sierra-batch:0\.1\.0-(x86_64|arm64)(-sierra)?-[0-9a-f]{12}$/);
  });
});

describe('the options of npm run image', () => {
  it('have defaults that belong to this machine and to the template', () => {
    expect(readImageOptions([], 'arm64')).toEqual({
      kind: 'build',
      options: { architecture: 'arm64', sierra: false, userId: 1000 },
    });
  });

  it.each([
    [['--architecture', 'mips'], '--architecture is x86_64 or arm64, not mips'],
    [['--user-id', 'me'], '--user-id is a number'],
    [['--push', 'registry:5000/nodes:1'], 'without a tag'],
    [['--pusch', 'x'], "'--pusch'"],
  ])('%j is refused: %s', (args, why) => {
    expect(readImageOptions(args)).toEqual({ kind: 'refused', why: expect.stringContaining(why) });
  });

  it('take a registry with a port', () => {
    expect(readImageOptions(['--push', 'registry:5000/nodes'])).toMatchObject({ kind: 'build' });
  });
});

describe('pinning', () => {
  it('writes the digests that the registry tells, again and again, asking for a token as Docker Hub wants', async () => {
    let digest = `sha256:${'a'.repeat(64)}`;
    const server = createServer((request, response) => {
      const { host } = request.headers;
      if (request.url === '/token?service=hub&scope=pull') response.end('{"token":"t"}');
      else if (request.headers.authorization !== 'Bearer t')
        response
          .writeHead(401, {
            'www-authenticate': `Bearer realm="http://${host}/token",service="hub",scope="pull"`,
          })
          .end();
      else if (request.url?.startsWith('/v2/library/') && request.headers.accept?.includes('image.index'))
        response.writeHead(200, { 'docker-content-digest': digest }).end();
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      const registry = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
      const file = join(folder, 'container/image/Dockerfile');
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll('docker.io/', `${registry}/`));
      await pinDockerfile(file);
      digest = `sha256:${'b'.repeat(64)}`;
      expect(await pinDockerfile(file)).toEqual([
        `ARG NODE_IMAGE=${registry}/library/node:24-bookworm-slim@${digest}`,
        `ARG SYSTEM_IMAGE=${registry}/library/debian:bookworm-slim@${digest}`,
      ]);
      expect(readFileSync(file, 'utf8').split('\n')).toContain(
        `ARG SYSTEM_IMAGE=${registry}/library/debian:bookworm-slim@${digest}`,
      );
      writeFileSync(file, `ARG NODE_IMAGE=${registry}/gone/node:24\n`);
      await expect(pinDockerfile(file)).rejects.toThrow('tells no digest of gone/node:24 (status 404)');
    } finally {
      server.close();
    }
  });
});
