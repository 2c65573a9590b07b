// The few methods of `@azure/storage-blob` that StorageAzure uses. Its `ContainerClient` fits.

/** A container, as `new ContainerClient(…)` or `BlobServiceClient.getContainerClient(…)` gives it. */
export interface AzureContainerClient {
  readonly containerName: string;
  getBlockBlobClient(name: string): AzureBlobClient;
  listBlobsFlat(options: { prefix: string; includeMetadata: boolean; abortSignal: AbortSignal }): {
    byPage(settings: { continuationToken?: string }): { next(): Promise<IteratorResult<AzureBlobPage, undefined>> };
  };
}

export interface AzureBlobClient {
  download(
    offset: number,
    count: number | undefined,
    options: { abortSignal: AbortSignal; maxRetryRequests: number },
  ): Promise<AzureDownload>;
  upload(
    body: Uint8Array,
    contentLength: number,
    options: { abortSignal: AbortSignal; conditions?: { ifNoneMatch: string } },
  ): Promise<unknown>;
  delete(options: { abortSignal: AbortSignal }): Promise<unknown>;
}

export interface AzureDownload {
  readonly contentLength?: number;
  readonly readableStreamBody?: AsyncIterable<string | Uint8Array>;
}

export interface AzureBlobItem {
  readonly name: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface AzureBlobPage {
  readonly segment: { readonly blobItems: readonly AzureBlobItem[] };
  readonly continuationToken?: string;
}
