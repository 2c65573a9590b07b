// The client of S3 as StorageS3 sees it. Types of our own: who has not installed the SDK can still compile against them.

/** What StorageS3 uses of a client. An `S3Client` of `@aws-sdk/client-s3` fits. */
export interface S3ClientLike {
  send(command: object, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When they end; a function that gives credentials is called again before. */
  readonly expiration?: Date;
}

/** Where a client of ours finds the store, and who it is there. What is missing comes from the environment, as in every AWS program. */
export interface S3Connection {
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly forcePathStyle?: boolean | undefined;
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>) | undefined;
}
