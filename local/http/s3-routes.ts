import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { S3Port } from '../../aws/ports.ts';
import { s3Error } from '../aws/s3/service-error.ts';
import { decodeAwsChunked } from './aws-chunked.ts';
import { completeUpload, createUpload, uploadPart } from './multipart.ts';
import { errorOf, reply } from './reply.ts';
import { completedXml, errorXml, listXml, uploadXml } from './s3-xml.ts';

/** S3's REST protocol, path style, for the calls that other processes make. */
export async function answerS3(
  s3: S3Port,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const call = callOf(request);
  try {
    await METHODS[call.method]?.(s3, call, request, response);
    if (METHODS[call.method] === undefined)
      throw s3Error('MethodNotAllowed', `${call.method} is not answered here`);
  } catch (error) {
    if (response.headersSent) throw error;
    const { status, name, message } = errorOf(error);
    reply(response, status, 'application/xml', call.method === 'HEAD' ? '' : errorXml(name, message));
    request.resume();
  }
}

interface S3Call {
  method: string;
  Bucket: string;
  Key: string;
  query: URLSearchParams;
  header: (name: string) => string | undefined;
}

type Answer = (s3: S3Port, call: S3Call, request: IncomingMessage, response: ServerResponse) => Promise<void>;

const putObject: Answer = async (s3, { Bucket, Key, header }, request, response) => {
  const output = await s3.putObject({
    Bucket,
    Key,
    Body: bodyOf(request),
    ContentLength: Number(header('x-amz-decoded-content-length') ?? header('content-length') ?? 0),
    ContentType: header('content-type'),
    IfMatch: header('if-match'),
    IfNoneMatch: header('if-none-match'),
  });
  response.writeHead(200, {
    etag: output.ETag ?? '',
    'x-amz-version-id': output.VersionId ?? '',
    'content-length': 0,
  });
  response.end();
};

const putPart: Answer = async (_s3, { query }, request, response) => {
  const etag = await uploadPart(
    query.get('uploadId') ?? '',
    Number(query.get('partNumber')),
    bodyOf(request),
  );
  response.writeHead(200, { etag, 'content-length': 0 });
  response.end();
};

/** `POST ?uploads` begins an object in parts, `POST ?uploadId=…` makes it of them. */
const postUpload: Answer = async (s3, { Bucket, Key, query, header }, request, response) => {
  request.resume();
  const id = query.get('uploadId');
  if (id === null) {
    const begun = await createUpload({ Bucket, Key, ContentType: header('content-type') });
    reply(response, 200, 'application/xml', uploadXml(Bucket, Key, begun));
    return;
  }
  const { ETag } = await completeUpload(s3, id);
  reply(response, 200, 'application/xml', completedXml(Bucket, Key, ETag));
};

function bodyOf(request: IncomingMessage): Readable {
  const { headers } = request;
  const isChunked =
    headers['content-encoding']?.includes('aws-chunked') === true ||
    headers['x-amz-decoded-content-length'] !== undefined;
  return isChunked ? Readable.from(decodeAwsChunked(request), { objectMode: false }) : request;
}

const getObject: Answer = async (s3, { Bucket, Key, query, header }, _request, response) => {
  const output = await s3.getObject({
    Bucket,
    Key,
    VersionId: query.get('versionId') ?? undefined,
    Range: header('range'),
    IfMatch: header('if-match'),
  });
  response.writeHead(output.ContentRange === undefined ? 200 : 206, objectHeaders(output));
  if (output.Body instanceof Readable) await pipeline(output.Body, response);
  else response.end();
};

const headObject: Answer = async (s3, { Bucket, Key, query, header }, _request, response) => {
  const output = await s3.headObject({
    Bucket,
    Key,
    VersionId: query.get('versionId') ?? undefined,
    IfMatch: header('if-match'),
  });
  response.writeHead(200, objectHeaders(output));
  response.end();
};

const deleteObject: Answer = async (s3, { Bucket, Key }, _request, response) => {
  const output = await s3.deleteObject({ Bucket, Key });
  response.writeHead(204, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': output.VersionId ?? '' });
  response.end();
};

const listObjects: Answer = async (s3, { Bucket, query }, _request, response) => {
  if (query.has('versions')) throw s3Error('NotImplemented', 'versions are listed by functions only');
  const output = await s3.listObjectsV2({
    Bucket,
    Prefix: query.get('prefix') ?? undefined,
    Delimiter: query.get('delimiter') ?? undefined,
    ContinuationToken: query.get('continuation-token') ?? undefined,
    StartAfter: query.get('start-after') ?? undefined,
    MaxKeys: query.has('max-keys') ? Number(query.get('max-keys')) : undefined,
  });
  reply(response, 200, 'application/xml', listXml(output));
};

const METHODS: Readonly<Record<string, Answer>> = {
  PUT: (s3, call, ...rest) => (call.query.has('uploadId') ? putPart : putObject)(s3, call, ...rest),
  POST: postUpload,
  GET: (s3, call, ...rest) => (call.Key === '' ? listObjects : getObject)(s3, call, ...rest),
  HEAD: headObject,
  DELETE: deleteObject,
};

function callOf(request: IncomingMessage): S3Call {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const [, bucket = '', ...parts] = url.pathname.split('/');
  const header = (name: string) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(',') : value;
  };
  return {
    method: request.method ?? 'GET',
    Bucket: decodeURIComponent(bucket),
    Key: parts.map(decodeURIComponent).join('/'),
    query: url.searchParams,
    header,
  };
}

function objectHeaders(
  output: GetObjectCommandOutput | HeadObjectCommandOutput,
): Record<string, string | number> {
  return {
    'accept-ranges': 'bytes',
    'content-length': output.ContentLength ?? 0,
    'content-type': output.ContentType ?? 'application/octet-stream',
    etag: output.ETag ?? '',
    'last-modified': (output.LastModified ?? new Date(0)).toUTCString(),
    'x-amz-version-id': output.VersionId ?? '',
    ...('ContentRange' in output && output.ContentRange !== undefined
      ? { 'content-range': output.ContentRange }
      : {}),
  };
}
