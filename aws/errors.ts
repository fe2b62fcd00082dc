/** What an error of an AWS client means, by its HTTP status and name: the same for every client and every fake. */

/**
 * There is no such object, as far as one can tell without `s3:ListBucket`: S3 answers 403 for it then. A 403 of keys or a
 * clock that are wrong says nothing of the object.
 */
export function isMissing(error: unknown): boolean {
  return isNotFound(error) || (statusOf(error) === 403 && !isUnauthenticated(error));
}

/** S3 knows no such object, whatever one may list. */
export function isNotFound(error: unknown): boolean {
  return statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket';
}

/** The condition of a write did not hold. */
export function isPreconditionFailed(error: unknown): boolean {
  return statusOf(error) === 412;
}

/** A range begins where the object has ended. */
export function isBeyondEnd(error: unknown): boolean {
  return statusOf(error) === 416;
}

/** Another write crossed this one; it was not done. */
export function isConflict(error: unknown): boolean {
  return statusOf(error) === 409;
}

/** AWS took nothing of the request and will take it later. */
export function isThrottled(error: unknown): boolean {
  return statusOf(error) === 429 || /throttl|TooManyRequests|SlowDown/i.test(nameOf(error));
}

/** AWS will never take this request: nothing was done, and doing it again does not help. 301 is a bucket of another region. */
export function isRefused(error: unknown): boolean {
  const status = statusOf(error);
  if (status === undefined || status < 300 || status >= 500 || status === 408) return false;
  return !isThrottled(error) && !isOutOfDate(error);
}

/** Credentials or a clock that have run out: the same request is good again with new ones. */
function isOutOfDate(error: unknown): boolean {
  return /ExpiredToken|TokenRefresh|RequestExpired|RequestTimeTooSkewed|SignatureDoesNotMatch/.test(
    nameOf(error),
  );
}

/** There is no room for it, on this machine's disk or on the one behind the local system's S3: waiting makes none. */
export function isFull(error: unknown): boolean {
  return (
    nameOf(error) === STORAGE_FULL || (error instanceof Error && ['ENOSPC', 'EDQUOT'].includes(codeOf(error)))
  );
}

/** What the local S3 calls that; AWS's is never full. */
export const STORAGE_FULL = 'StorageFull';

/** No answer at all, no credentials to ask with, or an answer that says: later. An error of the file that is sent is none of them. */
export function isOutOfReach(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || 'path' in error) return false;
  const status = statusOf(error);
  if (status !== undefined) return status >= 500 || status === 429;
  return 'code' in error || ['TimeoutError', 'CredentialsProviderError'].includes(nameOf(error));
}

function isUnauthenticated(error: unknown): boolean {
  return isOutOfDate(error) || /Invalid(AccessKeyId|ClientTokenId)/.test(nameOf(error));
}

/** Whether the error came from an AWS client, or from the network below it. */
export function isFromAws(error: unknown): boolean {
  return (
    statusOf(error) !== undefined ||
    (error instanceof Error && /^(E[A-Z]+|TimeoutError)$/.test(codeOf(error)))
  );
}

export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The HTTP status that AWS answered with; undefined where it did not answer. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const { $metadata } = error;
  if (typeof $metadata !== 'object' || $metadata === null || !('httpStatusCode' in $metadata))
    return undefined;
  return typeof $metadata.httpStatusCode === 'number' ? $metadata.httpStatusCode : undefined;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
