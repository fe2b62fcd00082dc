import type { S3Port } from '../../aws/ports.ts';
import { writableByJobs } from '../../experiment/bucket/catalogue.ts';
import { CONTROL_PREFIX } from '../../experiment/layout/bucket-keys.ts';
import { isMadeOf } from '../aws/events/wildcard.ts';
import { s3Error } from '../aws/s3/service-error.ts';

/** The `*` of a policy is any text, slashes in it too. */
const WRITABLE = writableByJobs().map((pattern) => pattern.split('*'));

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
      insist(
        WRITABLE.some((pattern) => isMadeOf(input.Key ?? '', pattern)),
        input.Key,
      );
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
