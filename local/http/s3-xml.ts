import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';

const PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** S3's error document. */
export function errorXml(code: string, message: string): string {
  return `${PROLOGUE}<Error>${element('Code', code)}${element('Message', message)}</Error>`;
}

/** S3's answer to CreateMultipartUpload. */
export function uploadXml(bucket: string, key: string, uploadId: string): string {
  return `${PROLOGUE}<InitiateMultipartUploadResult>${element('Bucket', bucket)}${element('Key', key)}${element('UploadId', uploadId)}</InitiateMultipartUploadResult>`;
}

/** S3's answer to CompleteMultipartUpload. */
export function completedXml(bucket: string, key: string, etag: string | undefined): string {
  return `${PROLOGUE}<CompleteMultipartUploadResult>${element('Bucket', bucket)}${element('Key', key)}${element('ETag', etag)}</CompleteMultipartUploadResult>`;
}

/** S3's answer to ListObjectsV2. */
export function listXml(output: ListObjectsV2CommandOutput): string {
  const contents = (output.Contents ?? []).map(
    (object) =>
      `<Contents>${element('Key', object.Key)}${element('LastModified', object.LastModified?.toISOString())}${element('ETag', object.ETag)}${element('Size', object.Size)}${element('StorageClass', object.StorageClass)}</Contents>`,
  );
  const groups = (output.CommonPrefixes ?? []).map(
    (group) => `<CommonPrefixes>${element('Prefix', group.Prefix)}</CommonPrefixes>`,
  );
  return `${PROLOGUE}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${element('Name', output.Name)}${element('Prefix', output.Prefix)}${element('KeyCount', output.KeyCount)}${element('MaxKeys', output.MaxKeys)}${element('IsTruncated', output.IsTruncated)}${element('NextContinuationToken', output.NextContinuationToken)}${contents.join('')}${groups.join('')}</ListBucketResult>`;
}

function element(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? '' : `<${name}>${escapeXml(String(value))}</${name}>`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}
