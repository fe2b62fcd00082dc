import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BaseImages, ImageStore } from './image-store.ts';

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/sierra-batch', import.meta.url));

/** Debian's slim images leave out what nobody reads in a container, of later packages as well. */
const SLIM = ['doc', 'man', 'groff', 'info', 'lintian', 'linda', 'locale'].map(
  (name) => `/usr/share/${name}`,
);
const DPKG = [...SLIM.map((path) => `path-exclude ${path}/*`), 'path-include /usr/share/doc/*/copyright'];
const APT = `DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
`;

/**
 * What stands in for the images on Docker Hub where no registry of images can be reached: Debian by debootstrap, set up as
 * its slim image is, and Node as npm brings it.
 */
export function makeStandIns(store: ImageStore): BaseImages {
  const folder = mkdtempSync(join(tmpdir(), 'sbs-'));
  try {
    const names = { systemImage: 'localhost/stand-in/debian:slim', nodeImage: 'localhost/stand-in/node:24' };
    copyFileSync(debian(), join(folder, 'debian.tar'));
    copyFileSync(realpathSync(process.execPath), join(folder, 'node'));
    store.build(names.systemImage, 'FROM scratch\nADD debian.tar /\nCMD ["bash"]\n', folder);
    store.build(names.nodeImage, 'FROM scratch\nCOPY node /usr/local/bin/node\n', folder);
    return names;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The same Debian with the certificates that pip trusts on this machine, where those are named (`PIP_CERT`): behind some
 * proxies nothing else reaches PyPI.
 */
export function withCertificates(store: ImageStore, { systemImage, nodeImage }: BaseImages): BaseImages {
  const certificates = process.env.PIP_CERT;
  if (certificates === undefined) return { systemImage, nodeImage };
  const folder = mkdtempSync(join(tmpdir(), 'sbs-'));
  try {
    copyFileSync(certificates, join(folder, 'certificates.crt'));
    writeFileSync(join(folder, 'pip.conf'), '[global]\ncert = /etc/ssl/certs/certificates.crt\n');
    const name = `${systemImage}-certificates`;
    store.build(
      name,
      `FROM ${systemImage}\nCOPY certificates.crt /etc/ssl/certs/\nCOPY pip.conf /etc/\n`,
      folder,
    );
    return { systemImage: name, nodeImage };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The archive of a small Debian, made once in a clone (about 45 s). */
function debian(): string {
  const archive = join(CACHE, 'debian-bookworm.tar');
  if (existsSync(archive)) return archive;
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'sbd-'));
  try {
    execFileSync('debootstrap', ['--variant=minbase', 'bookworm', folder], {
      stdio: ['ignore', 2, 2],
      timeout: 8 * 60_000,
    });
    writeFileSync(join(folder, 'etc/dpkg/dpkg.cfg.d/docker'), `${DPKG.join('\n')}\n`);
    writeFileSync(join(folder, 'etc/apt/apt.conf.d/docker-clean'), APT);
    for (const path of [...SLIM, '/var/cache/apt/archives', '/var/lib/apt/lists', '/var/log'])
      rmSync(join(folder, path), { recursive: true, force: true });
    for (const path of ['/var/lib/apt/lists', '/var/cache/apt/archives/partial', '/var/log'])
      mkdirSync(join(folder, path), { recursive: true });
    execFileSync('tar', ['--numeric-owner', '-C', folder, '-cf', `${archive}.new`, '.']);
    renameSync(`${archive}.new`, archive);
    return archive;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
