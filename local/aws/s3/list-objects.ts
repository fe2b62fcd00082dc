import type {
  ListObjectsV2CommandInput,
  ListObjectsV2CommandOutput,
  ListObjectVersionsCommandInput,
  ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import type { ObjectIndex, ObjectVersion } from './object-index.ts';

const PAGE = 1000;

/** ListObjectsV2: in order, at most 1,000 entries a page, keys that share a prefix up to the delimiter as one entry. */
export function listObjects(
  index: ObjectIndex,
  input: ListObjectsV2CommandInput,
): ListObjectsV2CommandOutput {
  const prefix = input.Prefix ?? '';
  const limit = Math.min(input.MaxKeys ?? PAGE, PAGE);
  const after =
    input.ContinuationToken === undefined ? (input.StartAfter ?? '') : decode(input.ContinuationToken);
  const page = new Page(index, prefix, after, input.Delimiter, limit);
  return {
    $metadata: { httpStatusCode: 200 },
    Name: input.Bucket ?? '',
    Prefix: prefix,
    MaxKeys: limit,
    KeyCount: page.size,
    IsTruncated: page.more,
    ...(page.contents.length === 0 ? {} : { Contents: page.contents }),
    ...(page.groups.size === 0
      ? {}
      : { CommonPrefixes: [...page.groups].map((group) => ({ Prefix: group })) }),
    ...(page.more ? { NextContinuationToken: Buffer.from(page.last).toString('base64url') } : {}),
  };
}

/** ListObjectVersions without a delimiter: by key, the newest version first, delete markers apart but counted. */
export function listVersions(
  index: ObjectIndex,
  { Prefix = '', MaxKeys = PAGE, ...input }: ListObjectVersionsCommandInput,
): ListObjectVersionsCommandOutput {
  const limit = Math.min(MaxKeys, PAGE);
  const page: ObjectVersion[] = [];
  for (const version of versionsAfter(index, Prefix, input.KeyMarker ?? '', input.VersionIdMarker)) {
    page.push(version);
    if (page.length > limit) break;
  }
  const entries = page.slice(0, limit);
  const last = page.length > limit ? entries.at(-1) : undefined;
  const of = (isMarker: boolean) => entries.filter(({ deleted = false }) => deleted === isMarker);
  return {
    $metadata: { httpStatusCode: 200 },
    IsTruncated: last !== undefined,
    ...(last === undefined ? {} : { NextKeyMarker: last.key, NextVersionIdMarker: last.versionId }),
    Versions: of(false).map((version) => ({ ...entryOf(version), VersionId: version.versionId })),
    DeleteMarkers: of(true).map(({ key, versionId }) => ({ Key: key, VersionId: versionId })),
  };
}

function* versionsAfter(index: ObjectIndex, prefix: string, key: string, versionId: string | undefined) {
  const ofKey = index.versions(key);
  const at = ofKey.findIndex((version) => version.versionId === versionId);
  if (at !== -1) yield* ofKey.slice(at + 1);
  for (const next of index.keys(prefix, key)) yield* index.versions(next);
}

class Page {
  readonly contents: NonNullable<ListObjectsV2CommandOutput['Contents']> = [];
  readonly groups = new Set<string>();
  last = '';
  more = false;

  constructor(
    index: ObjectIndex,
    prefix: string,
    after: string,
    delimiter: string | undefined,
    limit: number,
  ) {
    for (const key of index.keys(prefix, after)) {
      const version = index.current(key);
      if (version === undefined || version.deleted === true) continue;
      const group = groupOf(key, prefix, delimiter);
      const told = group !== undefined && (this.groups.has(group) || after.startsWith(group));
      if (!told && this.size === limit) {
        this.more = true;
        return;
      }
      this.last = key;
      if (group === undefined) this.contents.push(entryOf(version));
      else if (!told) this.groups.add(group);
    }
  }

  get size(): number {
    return this.contents.length + this.groups.size;
  }
}

function entryOf(version: ObjectVersion) {
  return {
    Key: version.key,
    ETag: version.etag,
    Size: version.size,
    LastModified: new Date(version.lastModified),
    StorageClass: 'STANDARD' as const,
  };
}

function groupOf(key: string, prefix: string, delimiter: string | undefined): string | undefined {
  if (delimiter === undefined || delimiter === '') return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at === -1 ? undefined : key.slice(0, at + delimiter.length);
}

function decode(token: string): string {
  return Buffer.from(token, 'base64url').toString();
}
