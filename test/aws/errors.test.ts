import { describe, expect, it } from 'vitest';
import { isConflict, isMissing, isNotFound, isOutOfReach, isPreconditionFailed } from '../../aws/errors.ts';
import { awsError } from '../support/control-plane.ts';

describe('what an error of S3 means', () => {
  it.each([
    ['NoSuchKey', 404, { isMissing: true, isNotFound: true }],
    ['NotFound', 404, { isMissing: true, isNotFound: true }],
    ['NoSuchVersion', 404, { isMissing: true, isNotFound: true }],
    ['NoSuchBucket', 404, {}],
    ['AccessDenied', 403, { isMissing: true }],
    // HEAD has no body that could name it.
    ['403', 403, { isMissing: true }],
    ['InvalidAccessKeyId', 403, {}],
    ['SignatureDoesNotMatch', 403, {}],
    ['RequestTimeTooSkewed', 403, {}],
    ['ConditionalRequestConflict', 409, { isConflict: true }],
    ['PreconditionFailed', 412, { isPreconditionFailed: true }],
    ['SlowDown', 503, { isOutOfReach: true }],
    ['TooManyRequestsException', 429, { isOutOfReach: true }],
  ])('%s, %i', (name, status, meaning) => {
    const error = awsError(name, status);
    expect({
      isMissing: isMissing(error),
      isNotFound: isNotFound(error),
      isConflict: isConflict(error),
      isPreconditionFailed: isPreconditionFailed(error),
      isOutOfReach: isOutOfReach(error),
    }).toEqual({
      isMissing: false,
      isNotFound: false,
      isConflict: false,
      isPreconditionFailed: false,
      isOutOfReach: false,
      ...meaning,
    });
  });

  it('an error of the network is out of reach, and one of a file that is sent is not', () => {
    expect(isOutOfReach(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))).toBe(true);
    expect(isOutOfReach(Object.assign(new Error('gone'), { code: 'ENOENT', path: '/a' }))).toBe(false);
  });
});
