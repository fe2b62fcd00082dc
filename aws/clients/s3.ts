import type { S3Client } from '@aws-sdk/client-s3';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Port } from '../ports.ts';

export const s3Port = (client: S3Client): S3Port => ({
  putObject: (input) => client.send(new PutObjectCommand(input)),
  getObject: (input) => client.send(new GetObjectCommand(input)),
  headObject: (input) => client.send(new HeadObjectCommand(input)),
  deleteObject: (input) => client.send(new DeleteObjectCommand(input)),
  listObjectsV2: (input) => client.send(new ListObjectsV2Command(input)),
  listObjectVersions: (input) => client.send(new ListObjectVersionsCommand(input)),
});
