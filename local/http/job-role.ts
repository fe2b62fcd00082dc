import type { S3Port } from '../../aws/ports.ts';
import { BUCKET_RECORDS, writableByJobs } from '../../experiment/bucket/catalogue.ts';
import { CONTROL_PREFIX } from '../../experiment/layout/bucket-keys.ts';
import { isMadeOf } from '../aws/events/wildcard.ts';
import { s3Error } from '../aws/s3/service-error.ts';

/** The `*` of a policy is any text, slashes in it too. */
const WRITABLE = writableByJobs().map((pattern) => pattern.split('*'));

/** Of each record the names on the way to it; of outputs none, which have folders of their own. */
const RECORDS = BUCKET_RECORDS.filter(({ key }) => !key.endsWith('/<path>')).map(({ key }) =>
  key.split('/').map((name) => name.split(/<[^<>]*>/)),
);

/** S3 as the job role of template.yaml and the bucket's policy let a task use it. */
export function asJobRole(s3: S3Port): S3Port {
  const isReadable = (key: string, version: string | undefined) =>
    !key.startsWith(CONTROL_PREFIX) && version === undefined;
  return {
    listObjectsV2: (input) => s3.listObjectsV2(input),
    listObjectVersions: async ({ Prefix }) => insist(false, Prefix),
    getObject: async (input) => {
      insist(isReadable(input.Key ?? '', input.VersionId), input.Key);
      return s3.getObject(input);
    },
    headObject: async (input) => {
      insist(isReadable(input.Key ?? '', input.VersionId), input.Key);
      return s3.headObject(input);
    },
    putObject: async (input) => {
      const { Key = '' } = input;
      insist(WRITABLE.some((pattern) => isMadeOf(Key, pattern)) && !isBelowRecord(Key.split('/')), Key);
      return s3.putObject(input);
    },
    deleteObject: async ({ Key }) => insist(false, Key),
  };
}

function insist(isAllowed: false, key: string | undefined): never;
function insist(isAllowed: boolean, key: string | undefined): void;
function insist(isAllowed: boolean, key: string | undefined): void {
  if (!isAllowed) throw s3Error('AccessDenied', `a task's credentials do not reach ${key}`);
}

/** The real S3 holds `summary.json` and `summary.json/outputs/x`; in our folder the first of them would take the place. */
function isBelowRecord(names: readonly string[]): boolean {
  return RECORDS.some(
    (record) => names.length > record.length && record.every((part, at) => isMadeOf(names[at] ?? '', part)),
  );
}
