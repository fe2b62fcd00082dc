import type {
  DeleteObjectCommandOutput,
  GetObjectCommandOutput,
  HeadObjectCommandOutput,
  ListObjectsV2CommandOutput,
  PutObjectCommandOutput,
} from '@aws-sdk/client-s3';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Port } from '../../../aws/ports.ts';
import type { LocalS3 } from './s3.ts';

type S3Command =
  | PutObjectCommand
  | GetObjectCommand
  | HeadObjectCommand
  | DeleteObjectCommand
  | ListObjectsV2Command;
type S3Output = PutObjectCommandOutput &
  GetObjectCommandOutput &
  HeadObjectCommandOutput &
  DeleteObjectCommandOutput &
  ListObjectsV2CommandOutput;

/** The client that handlers get in the local system: the SDK's own commands, answered in this process. */
export class S3InProcess implements S3Port {
  readonly #s3: LocalS3;

  constructor(s3: LocalS3) {
    this.#s3 = s3;
  }

  send(command: PutObjectCommand): Promise<PutObjectCommandOutput>;
  send(command: GetObjectCommand): Promise<GetObjectCommandOutput>;
  send(command: HeadObjectCommand): Promise<HeadObjectCommandOutput>;
  send(command: DeleteObjectCommand): Promise<DeleteObjectCommandOutput>;
  send(command: ListObjectsV2Command): Promise<ListObjectsV2CommandOutput>;
  async send(command: S3Command): Promise<Partial<S3Output> & Pick<S3Output, '$metadata'>> {
    if (command instanceof PutObjectCommand) return this.#s3.put(command.input);
    if (command instanceof GetObjectCommand) return this.#s3.get(command.input);
    if (command instanceof HeadObjectCommand) return this.#s3.head(command.input);
    if (command instanceof DeleteObjectCommand) return this.#s3.delete(command.input);
    if (command instanceof ListObjectsV2Command) return this.#s3.list(command.input);
    throw new TypeError(`the local S3 does not know ${Object(command).constructor.name}`);
  }
}
