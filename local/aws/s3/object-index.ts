/** What S3 knows of one version of one object. */
export interface ObjectVersion {
  key: string;
  versionId: string;
  /** With its quotes, as S3 sends it. */
  etag: string;
  size: number;
  /** Milliseconds since the epoch. */
  lastModified: number;
  contentType?: string;
  deleted?: boolean;
}

/** Every version of every object, newest last, with keys in S3's order (UTF-8 bytes). */
export class ObjectIndex {
  readonly #versions = new Map<string, ObjectVersion[]>();
  /** Made at the first listing and kept in order from then on: who lists after each write does not sort each time. */
  #sorted: string[] | undefined;

  add(version: ObjectVersion): void {
    const versions = this.#versions.get(version.key);
    if (versions === undefined) {
      this.#versions.set(version.key, [version]);
      this.#sorted?.splice(lowerBound(this.#sorted, version.key), 0, version.key);
    } else {
      versions.push(version);
    }
  }

  /** The current version, which may be a delete marker. */
  current(key: string): ObjectVersion | undefined {
    return this.#versions.get(key)?.at(-1);
  }

  /** Of one key, the newest first. */
  versions(key: string): readonly ObjectVersion[] {
    return (this.#versions.get(key) ?? []).toReversed();
  }

  version(key: string, versionId: string): ObjectVersion | undefined {
    return this.#versions.get(key)?.find((version) => version.versionId === versionId);
  }

  /** Takes away all but the newest `keep` versions of a key and returns what it took. */
  trim(key: string, keep: number): ObjectVersion[] {
    const versions = this.#versions.get(key) ?? [];
    return versions.splice(0, Math.max(0, versions.length - keep));
  }

  /** Keys with the prefix that come after `after`, in order. */
  *keys(prefix: string, after: string): Generator<string> {
    this.#sorted ??= [...this.#versions.keys()].sort(byUtf8);
    let at = lowerBound(this.#sorted, prefix > after ? prefix : after);
    for (; at < this.#sorted.length; at += 1) {
      const key = this.#sorted[at] ?? '';
      if (!key.startsWith(prefix)) {
        if (byUtf8(key, prefix) > 0) return;
        continue;
      }
      if (byUtf8(key, after) > 0) yield key;
    }
  }

  /** Every version, oldest first within a key. */
  *all(): Generator<ObjectVersion> {
    for (const versions of this.#versions.values()) yield* versions;
  }
}

/**
 * S3 lists by the bytes of UTF-8, and so by code points. UTF-16 differs from that only where one of two units is half of a
 * pair: pairs stand for the largest code points, yet their units are not the largest.
 */
export function byUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const unitA = a.charCodeAt(at);
    const unitB = b.charCodeAt(at);
    if (unitA === unitB) continue;
    const [pairA, pairB] = [isHalfOfPair(unitA), isHalfOfPair(unitB)];
    if (pairA !== pairB) return pairA ? 1 : -1;
    return unitA - unitB;
  }
  return a.length - b.length;
}

function isHalfOfPair(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byUtf8(sorted[middle] ?? '', key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
