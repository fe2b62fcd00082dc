import type { Caller } from '../../../local/http/signature.ts';
import { signatureOf } from '../../../local/http/signature.ts';

/** Headers by which a request is a caller's, for whoever sends it without the SDK. */
export function signedHeaders(
  url: string,
  service: string,
  { accessKeyId, secretAccessKey }: Caller,
  method = 'GET',
): Record<string, string> {
  const { host, pathname, search } = new URL(url);
  const at = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const headers = { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'x-amz-date': at };
  const scope = { day: at.slice(0, 8), region: 'local', service, names: Object.keys(headers) };
  const signature = signatureOf({ method, url: `${pathname}${search}`, headers }, scope, secretAccessKey);
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope.day}/local/${service}/aws4_request, SignedHeaders=${scope.names.join(';')}, Signature=${signature}`,
  };
}
