import type { ListObjectsV2CommandInput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
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
