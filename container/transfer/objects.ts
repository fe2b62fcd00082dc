import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Port } from '../../aws/ports.ts';

/** True for an error of the SDK that says: there is no such object (without `s3:ListBucket` S3 answers 403). */
export function isMissing(error: unknown): boolean {
  return hasStatus(error, 404) || hasStatus(error, 403);
}

/** True for the answer to a conditional write whose condition did not hold. */
export function isPreconditionFailed(error: unknown): boolean {
  return hasStatus(error, 412);
}

/** True for the answer to a conditional write that another write crossed: to be tried again. */
export function isConflict(error: unknown): boolean {
  return hasStatus(error, 409);
}

export interface TextObject {
  text: string;
  etag: string;
}

/** An object's text, or undefined where there is none. @throws the SDK's error for anything else */
export async function getText(
  s3: S3Port,
  object: { bucket: string; key: string },
): Promise<TextObject | undefined> {
  return textUnless(isMissing, s3, object);
}

/**
 * The same for who may list the bucket and acts on there being none: S3 then answers 404, and 403 says that it must not be
 * read. @throws the SDK's error for anything else
 */
export async function getTextForSure(
  s3: S3Port,
  object: { bucket: string; key: string },
): Promise<TextObject | undefined> {
  return textUnless((error) => hasStatus(error, 404), s3, object);
}

async function textUnless(
  isNone: (error: unknown) => boolean,
  s3: S3Port,
  object: { bucket: string; key: string },
): Promise<TextObject | undefined> {
  try {
    const { Body, ETag = '' } = await s3.send(
      new GetObjectCommand({ Bucket: object.bucket, Key: object.key }),
    );
    return { text: (await Body?.transformToString()) ?? '', etag: ETag };
  } catch (error) {
    if (isNone(error)) return undefined;
    throw error;
  }
}

/** Writes text, perhaps under a condition. @throws the SDK's error */
export async function putText(
  s3: S3Port,
  object: { bucket: string; key: string; text: string | Uint8Array; contentType?: string },
  condition: { IfNoneMatch?: '*'; IfMatch?: string } = {},
): Promise<void> {
  const { bucket, key, text, contentType = 'application/json' } = object;
  await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: text, ContentType: contentType, ...condition }),
  );
}

function hasStatus(error: unknown, status: number): boolean {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return false;
  const metadata = error.$metadata;
  return (
    typeof metadata === 'object' &&
    metadata !== null &&
    'httpStatusCode' in metadata &&
    metadata.httpStatusCode === status
  );
}
