import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Who may call. Both parts are new at every start of a system. */
export interface Caller {
  accessKeyId: string;
  secretAccessKey: string;
}

/** What a signature is made over. */
export interface SignedRequest extends Pick<IncomingMessage, 'method' | 'url' | 'headers'> {
  /** Counts where no header has its hash. */
  body: string;
}

/** As long as AWS takes a request for a fresh one, in milliseconds. */
const FRESH_MS = 15 * 60_000;

/** `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, SignedHeaders=<a;b>, Signature=<hex>`. */
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,=\s]{1,128})\/(\d{8})\/([^/,=\s]{1,64})\/([^/,=\s]{1,64})\/aws4_request,\s?SignedHeaders=([a-z0-9;-]{1,2000}),\s?Signature=([0-9a-f]{64})$/;

/** The service that a request asks, as far as it says so. */
export function serviceOf(authorization: string | undefined): string {
  return /^[^,]{1,400}\/([^/,]{1,64})\/aws4_request/.exec((authorization ?? '').slice(0, 500))?.[1] ?? '';
}

/**
 * Which of the callers signed the request with his secret, by AWS' Signature Version 4. A body is taken as its signed
 * hash says, where there is one: nobody stands in between on loopback. Source: docs.aws.amazon.com, IAM, "Create a signed AWS API request".
 */
export function signerOf<Known extends Caller>(
  callers: readonly Known[],
  request: SignedRequest,
  now: number,
): Known | undefined {
  const [, id, day = '', region = '', service = '', signed = '', signature = ''] =
    AUTHORIZATION.exec(request.headers.authorization ?? '') ?? [];
  const caller = callers.find(({ accessKeyId }) => accessKeyId === id);
  const names = signed.split(';');
  const at = momentOf(request.headers);
  const isFresh = at !== undefined && Math.abs(at - now) <= FRESH_MS;
  if (caller === undefined || !isFresh || !names.includes('host')) return undefined;
  const expected = signatureOf(request, { day, region, service, names }, caller.secretAccessKey);
  return timingSafeEqual(Buffer.from(signature, 'hex'), Buffer.from(expected, 'hex')) ? caller : undefined;
}

interface Scope {
  day: string;
  region: string;
  service: string;
  /** Of the headers that count, lower case and in order. */
  names: readonly string[];
}

/** The signature in hexadecimal. */
export function signatureOf(
  { method = 'GET', url = '/', headers, body }: SignedRequest,
  { day, region, service, names }: Scope,
  secret: string,
): string {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  const canonical = [
    method,
    path,
    query
      .split('&')
      .map((pair) => (pair === '' || pair.includes('=') ? pair : `${pair}=`))
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${headerOf(headers, name)}`),
    '',
    names.join(';'),
    headerOf(headers, 'x-amz-content-sha256') || sha256(body),
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', headerOf(headers, 'x-amz-date'), scope, sha256(canonical)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (by, part) => createHmac('sha256', by).update(part).digest(),
    `AWS4${secret}`,
  );
  return createHmac('sha256', key).update(text).digest('hex');
}

function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name] ?? '';
  return (Array.isArray(value) ? value.join(',') : value).trim().replaceAll(/ {2,}/g, ' ');
}

/** `x-amz-date`, as `20261130T114339Z`. */
function momentOf(headers: IncomingHttpHeaders): number | undefined {
  const [, ...parts] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(headerOf(headers, 'x-amz-date')) ?? [];
  const [year, month, date, hour, minute, second] = parts.map(Number);
  return year === undefined ? undefined : Date.UTC(year, (month ?? 1) - 1, date, hour, minute, second);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
