import type { Check } from '../template/finding.ts';
import { named } from '../template/finding.ts';
import { at, listAt, textAt, textsAt } from '../template/json.ts';

const FUNCTION_ROLES = ['Ingest', 'Submit', 'Settle', 'Collect'].map((name) => `<${name}Role.Arn>`);

/** The bucket: the only store. */
export const checkBucket: Check = ({ stack }, found) => {
  const { properties, whole } = named(stack, 'Bucket');
  const on = (holds: boolean, code: string, message: string) => found.expect(holds, code, 'Bucket', message);
  on(
    /^Retain/.test(textAt(whole, 'DeletionPolicy')) && textAt(whole, 'UpdateReplacePolicy') === 'Retain',
    'bucket-not-kept',
    'results would go with the stack',
  );
  on(
    textAt(whole, 'DeletionPolicy') !== 'Retain',
    'bucket-left-over',
    'each first deployment that fails would leave an empty one behind',
  );
  on(
    textAt(properties, 'VersioningConfiguration', 'Status') === 'Enabled',
    'no-versions',
    'a manifest that is overwritten before it is read would be another run',
  );
  on(
    textAt(properties, 'NotificationConfiguration', 'EventBridgeConfiguration', 'EventBridgeEnabled') ===
      'true',
    'no-eventbridge',
    'dropping a manifest would do nothing',
  );
  on(
    ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'].every(
      (name) => textAt(properties, 'PublicAccessBlockConfiguration', name) === 'true',
    ),
    'public-access',
    'public access is not blocked',
  );
  on(
    listAt(properties, 'BucketEncryption', 'ServerSideEncryptionConfiguration').length > 0,
    'no-encryption',
    'objects are not encrypted',
  );
  const rules = listAt(properties, 'LifecycleConfiguration', 'Rules').filter(
    (rule) => textAt(rule, 'Status') === 'Enabled',
  );
  const expiring = rules
    .filter((rule) => textAt(rule, 'NoncurrentVersionExpiration', 'NoncurrentDays') === '1')
    .map((rule) => textAt(rule, 'Prefix'));
  for (const key of ['runs/', 'runs.html', 'control/', 'inputs/', 'rejected/', 'maintenance/'])
    on(
      expiring.some((prefix) => key.startsWith(prefix)),
      'versions-kept',
      `old versions of ${key} are kept for ever`,
    );
  on(
    rules.some(
      (rule) =>
        textAt(rule, 'Prefix') === 'control/open/' && textAt(rule, 'ExpiredObjectDeleteMarker') === 'true',
    ),
    'marks-kept',
    'control/open/, which is listed every minute, would hold a mark of every run that ever was',
  );
  on(
    expiring.every((prefix) => !'manifests/'.startsWith(prefix)),
    'manifest-versions-lost',
    'a run is named after a version of its manifest',
  );
  on(
    rules.every(
      (rule) =>
        at(rule, 'ExpirationInDays') === undefined ||
        /^(runs|rejected|maintenance|control\/rejected)\/$/.test(textAt(rule, 'Prefix')),
    ),
    'results-expire',
    'a rule deletes more than run folders, rejections and records of maintenance',
  );
  const denials = listAt(named(stack, 'BucketPolicy').properties, 'PolicyDocument', 'Statement').filter(
    (statement) => textAt(statement, 'Effect') === 'Deny',
  );
  on(
    denials.some(
      (statement) =>
        textAt(statement, 'Condition', 'Bool', 'aws:SecureTransport') === 'false' &&
        textAt(statement, 'Principal') === '*',
    ),
    'bucket-without-tls',
    'the policy lets plain HTTP through',
  );
  const manifests = denials.find((statement) =>
    textsAt(statement, 'Resource').includes('<Bucket.Arn>/manifests/*'),
  );
  on(
    textsAt(manifests, 'Action').includes('s3:PutObject') &&
      [...FUNCTION_ROLES, '<JobRole.Arn>'].every((role) =>
        textsAt(manifests, 'Principal', 'AWS').includes(role),
      ),
    'system-writes-manifests',
    'a manifest that the system wrote would start a run that writes another',
  );
  const control = denials.find((statement) =>
    textsAt(statement, 'Resource').includes('<Bucket.Arn>/control/*'),
  );
  const allowed = textsAt(control, 'Condition', 'ArnNotEquals', 'aws:PrincipalArn');
  on(
    ['s3:GetObject', 's3:GetObjectVersion'].every((action) => textsAt(control, 'Action').includes(action)) &&
      textAt(control, 'Principal') === '*',
    'control-open',
    'task tokens lie under control/',
  );
  on(
    allowed.length === FUNCTION_ROLES.length && FUNCTION_ROLES.every((role) => allowed.includes(role)),
    'control-readers',
    'control/ is for the four functions, all of them and nobody else',
  );
};
