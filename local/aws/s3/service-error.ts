import { NoSuchKey, S3ServiceException } from '@aws-sdk/client-s3';

const STATUS: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  NoSuchKey: 404,
  NoSuchVersion: 404,
  NoSuchBucket: 404,
  NotFound: 404,
  MethodNotAllowed: 405,
  ConditionalRequestConflict: 409,
  PreconditionFailed: 412,
  InvalidRange: 416,
  InvalidArgument: 400,
  EntityTooLarge: 400,
  NoSuchUpload: 404,
  KeyTooLongError: 400,
  NotImplemented: 501,
};

/** The SDK's own error for an S3 error code. */
export function s3Error(code: string, message: string): S3ServiceException {
  const $metadata = { httpStatusCode: STATUS[code] ?? 400 };
  if (code === 'NoSuchKey') return new NoSuchKey({ message, $metadata });
  return new S3ServiceException({ name: code, message, $fault: 'client', $metadata });
}
