import { ClientException } from '@aws-sdk/client-batch';

/** In the words with which AWS refused a definition; every range here is of containers. */
export const TYPES_OF_A_RANGE =
  'Using instanceTypes with nodeRangeProperty is only allowed for ecsProperties jobs.';

/** Batch's answer to a request that it will never take: the SDK's own class, status 400. */
export function clientError(message: string): ClientException {
  return new ClientException({ message, $metadata: { httpStatusCode: 400 } });
}
