import { writableByJobs } from '../../../experiment/bucket/catalogue.ts';
import type { Table } from '../template/finding.ts';
import { one, table } from '../template/finding.ts';
import type { Place } from '../template/place.ts';
import { placeNamed } from '../template/place.ts';

const FUNCTION_ROLES = ['Ingest', 'Submit', 'Settle', 'Collect'].map((name) => `<${name}Role.Arn>`);
const PUBLIC_ACCESS = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'];
/** Keys that are written over and over. */
const REWRITTEN = ['runs/', 'runs.html', 'control/', 'inputs/', 'rejected/', 'maintenance/'];

/** The bucket: the only store. */
export const BUCKET: readonly Table[] = [
  one('Bucket', {
    'bucket-not-kept': ['results would go with the stack', (bucket) => bucket.isKept()],
    'bucket-left-over': [
      'each first deployment that fails would leave an empty one behind',
      (bucket) => !bucket.isLeftOver(),
    ],
    'no-versions': [
      'a manifest that is overwritten before it is read would be another run',
      (bucket) => bucket.text('VersioningConfiguration', 'Status') === 'Enabled',
    ],
    'no-eventbridge': [
      'dropping a manifest would do nothing',
      (bucket) =>
        bucket.text('NotificationConfiguration', 'EventBridgeConfiguration', 'EventBridgeEnabled') === 'true',
    ],
    'public-access': [
      'public access is not blocked',
      (bucket) =>
        PUBLIC_ACCESS.every((name) => bucket.text('PublicAccessBlockConfiguration', name) === 'true'),
    ],
    'no-encryption': [
      'objects are not encrypted',
      (bucket) => bucket.list('BucketEncryption', 'ServerSideEncryptionConfiguration').length > 0,
    ],
    'versions-kept': [
      (key) => `old versions of ${key} are kept for ever`,
      (bucket) => REWRITTEN.filter((key) => !losesVersions(bucket, key)),
    ],
    'marks-kept': [
      'control/open/, which is listed every minute, would hold a mark of every run that ever was',
      (bucket) =>
        lifecycleRules(bucket).some(
          (rule) =>
            rule.text('Prefix') === 'control/open/' && rule.text('ExpiredObjectDeleteMarker') === 'true',
        ),
    ],
    'manifest-versions-lost': [
      'a run is named after a version of its manifest',
      (bucket) => !losesVersions(bucket, 'manifests/'),
    ],
    'results-expire': [
      'a rule deletes more than run folders, rejections and records of maintenance',
      (bucket) =>
        lifecycleRules(bucket).every(
          (rule) =>
            !rule.has('ExpirationInDays') ||
            /^(runs|rejected|maintenance|control\/rejected)\/$/.test(rule.text('Prefix')),
        ),
    ],
  }),
  table(bucketPolicy, {
    'bucket-without-tls': [
      'the policy lets plain HTTP through',
      (policy) =>
        denials(policy).some(
          (statement) =>
            statement.text('Condition', 'Bool', 'aws:SecureTransport') === 'false' &&
            statement.text('Principal') === '*',
        ),
    ],
    'system-writes-manifests': [
      'a manifest that the system wrote would start a run that writes another',
      (policy) => {
        const denial = denialOf(policy, 'manifests/*');
        return (
          denial.texts('Action').includes('s3:PutObject') &&
          [...FUNCTION_ROLES, '<JobRole.Arn>'].every((role) =>
            denial.texts('Principal', 'AWS').includes(role),
          )
        );
      },
    ],
    'control-open': [
      'task tokens lie under control/',
      (policy) => {
        const denial = denialOf(policy, 'control/*');
        return (
          ['s3:GetObject', 's3:GetObjectVersion'].every((action) =>
            denial.texts('Action').includes(action),
          ) && denial.text('Principal') === '*'
        );
      },
    ],
    'tasks-write-records': [
      (key) => `tasks could write ${key}, or the runner could not`,
      (policy) => {
        const denial = denials(policy).find((statement) => statement.texts('NotResource').length > 0);
        const open = denial?.texts('NotResource') ?? [];
        const isDenied =
          denial?.texts('Principal', 'AWS').includes('<JobRole.Arn>') === true &&
          ['s3:PutObject', 's3:DeleteObject'].every((action) => denial.texts('Action').includes(action));
        if (!isDenied) return ['any record'];
        const wanted = writableByJobs().map((key) => `<Bucket.Arn>/${key}`);
        return [
          ...open.filter((key) => !wanted.includes(key)),
          ...wanted.filter((key) => !open.includes(key)),
        ];
      },
    ],
    'control-readers': [
      'control/ is for the four functions, all of them and nobody else',
      (policy) => {
        const readers = denialOf(policy, 'control/*').texts(
          ...['Condition', 'ArnNotEquals', 'aws:PrincipalArn'],
        );
        return (
          readers.length === FUNCTION_ROLES.length && FUNCTION_ROLES.every((role) => readers.includes(role))
        );
      },
    ],
  }),
];

function lifecycleRules(bucket: Place): Place[] {
  return bucket.parts('LifecycleConfiguration', 'Rules').filter((rule) => rule.text('Status') === 'Enabled');
}

/** Whether old versions of a key are deleted. */
function losesVersions(bucket: Place, key: string): boolean {
  return lifecycleRules(bucket).some(
    (rule) =>
      rule.text('NoncurrentVersionExpiration', 'NoncurrentDays') === '1' &&
      key.startsWith(rule.text('Prefix')),
  );
}

/** The policy, whose mistakes are the bucket's. */
function bucketPolicy(system: Place['system']): Place[] {
  return [placeNamed('Bucket')(system).part(placeNamed('BucketPolicy')(system).properties)];
}

function denials(policy: Place): Place[] {
  return policy
    .parts('PolicyDocument', 'Statement')
    .filter((statement) => statement.text('Effect') === 'Deny');
}

/** The first denial that names these keys of the bucket; without properties where there is none. */
function denialOf(policy: Place, keys: string): Place {
  const resource = `<Bucket.Arn>/${keys}`;
  return (
    denials(policy).find((statement) => statement.texts('Resource').includes(resource)) ??
    policy.part(undefined)
  );
}
