import { ClientException } from '@aws-sdk/client-batch';

/** Batch's answer to a request that it will never take: the SDK's own class, status 400. */
export function clientError(message: string): ClientException {
  return new ClientException({ message, $metadata: { httpStatusCode: 400 } });
}
