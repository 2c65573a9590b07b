// The ways to a container: which options fit together, and the client that comes of them. Texts never hold a secret.
import { loadPackage } from "../shared/load-package.ts";
import type { AzureContainerClient } from "./azure-client.ts";

/** A container, and one of three ways to it: `connectionString`, `account` with `credential`, or `client`. */
export interface AzureLogin {
  /**
   * The container that holds the blobs: 3 to 63 lower-case letters, digits and single hyphens. It must exist.
   *
   * Not given together with `client`, which belongs to a container already.
   */
  container?: string;
  /**
   * As the Azure portal shows it under "Access keys" or "Shared access signature".
   *
   * @default `AZURE_STORAGE_CONNECTION_STRING` of the environment, where neither `account` nor `client` is given
   */
  connectionString?: string | undefined;
  /** The name of the storage account. Needs `credential`. */
  account?: string;
  /** How to log in to `account`. `DefaultAzureCredential` of `@azure/identity` fits. */
  credential?: AzureTokenCredential | AzureAccountKey | AzureSasToken;
  /**
   * Where the Blob service of `account` is, for other clouds, private endpoints and Azurite.
   *
   * @default `https://<account>.blob.core.windows.net`
   */
  endpoint?: string;
  /**
   * A container client of your own, which is used as it is. Make it with `retryOptions: { maxTries: 1 }`: the workflow
   * repeats what failed, and both together take much longer to say so.
   */
  client?: AzureContainerClient;
}

/** An identity of Microsoft Entra ID, as the classes of `@azure/identity` are. */
export interface AzureTokenCredential {
  getToken(scopes: string | string[], options?: object): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}

export interface AzureAccountKey {
  /** One of the two keys of the account. */
  readonly accountKey: string;
}

export interface AzureSasToken {
  /** A SAS token, such as `"sv=…&sig=…"`: of a SAS URL, the part after the question mark. Needs the permissions r, c, w, d and l. */
  readonly sasToken: string;
}

type Connect = () => Promise<AzureContainerClient>;

const environmentVariable = "AZURE_STORAGE_CONNECTION_STRING";

/** One try a request: the workflow repeats what failed. */
const clientOptions = { retryOptions: { maxTries: 1 } };

/** Checks the options, and gives what makes the client once it is needed. */
export function connectionOf(options: AzureLogin): Connect {
  const { client, account, endpoint, credential, connectionString } = options;
  const given = (["client", "account", "connectionString"] as const).filter((name) => options[name] !== undefined);
  if (given.length > 1) throw mistake(`has both ${given.join(" and ")}`, "Give one of them");
  if (account === undefined && (credential !== undefined || endpoint !== undefined))
    throw mistake(`has ${credential ? "a credential" : "an endpoint"} and no account`, "Give account as well");
  if (client !== undefined) return ownClient(client, options.container);
  const container = checkedContainer(options.container);
  if (account !== undefined) return toAccount(account, endpoint, credential, container);
  return byConnectionString(connectionString, container);
}

function ownClient(client: AzureContainerClient, container: string | undefined): Connect {
  if (typeof client?.getBlockBlobClient !== "function" || typeof client.listBlobsFlat !== "function")
    throw mistake("has a client that is no container client", "Give a ContainerClient of @azure/storage-blob");
  if (container !== undefined)
    throw mistake("has both client and container", "Leave out container: a ContainerClient belongs to one");
  return async () => client;
}

function byConnectionString(given: string | undefined, container: string): Connect {
  const text = given ?? process.env[environmentVariable];
  if (text === undefined)
    throw mistake(
      "has no way to log in",
      `Set ${environmentVariable}, or give connectionString, account with credential, or a client`,
    );
  const partOf = (name: string): string => new RegExp(`(?:^|;)\\s*${name}=([^;]+)`).exec(text)?.[1] ?? "";
  const complete =
    (partOf("DefaultEndpointsProtocol") && partOf("AccountName") && partOf("AccountKey")) ||
    (partOf("BlobEndpoint") && partOf("SharedAccessSignature")) ||
    partOf("UseDevelopmentStorage");
  if (!complete)
    throw mistake(
      `has a connection string${given === undefined ? ` (${environmentVariable})` : ""} that is not complete: it needs DefaultEndpointsProtocol, AccountName and AccountKey, or BlobEndpoint and SharedAccessSignature`,
      "Copy it as a whole from the Azure portal",
    );
  if (partOf("BlobEndpoint")) checkedEndpoint(partOf("BlobEndpoint"));
  return async () => {
    const { ContainerClient } = await loadSdk();
    return new ContainerClient(text, container, { ...clientOptions });
  };
}

function toAccount(
  account: string,
  endpoint: string | undefined,
  credential: AzureLogin["credential"],
  container: string,
): Connect {
  if (!/^[a-z0-9]{3,24}$/.test(account))
    throw mistake(`has the account ${JSON.stringify(account)}`, "Its name has 3 to 24 lower-case letters and digits");
  const url = `${checkedEndpoint(endpoint ?? `https://${account}.blob.core.windows.net`)}/${container}`;
  if (isTokenCredential(credential))
    return async () => {
      const { ContainerClient } = await loadSdk();
      return new ContainerClient(url, credential, clientOptions);
    };
  if (hasText(credential, "accountKey"))
    return async () => {
      const { ContainerClient, StorageSharedKeyCredential } = await loadSdk();
      const key = new StorageSharedKeyCredential(account, credential.accountKey);
      return new ContainerClient(url, key, clientOptions);
    };
  if (hasText(credential, "sasToken")) {
    const token = credential.sasToken.replace(/^\?/, "");
    if (!/(^|&)sig=/.test(token) || /^https?:/.test(token))
      throw mistake("has a sasToken that is none", "Of a SAS URL, give the part after the question mark: sv=…&sig=…");
    return async () => {
      const { ContainerClient, AnonymousCredential } = await loadSdk();
      return new ContainerClient(`${url}?${token}`, new AnonymousCredential(), clientOptions);
    };
  }
  throw mistake(
    `has the account ${JSON.stringify(account)} and no usable credential`,
    "Give a credential of @azure/identity, { accountKey } or { sasToken }",
  );
}

function loadSdk(): Promise<typeof import("@azure/storage-blob")> {
  return loadPackage("@azure/storage-blob", "StorageAzure", () => import("@azure/storage-blob"));
}

function checkedContainer(container: string | undefined): string {
  if (container === undefined) throw mistake("has no container", 'Give the name of one, such as "checkpoints"');
  if (/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(container)) return container;
  throw mistake(
    `has the container ${JSON.stringify(container)}, which is no name of one`,
    "Give 3 to 63 lower-case letters, digits and single hyphens, with a letter or digit at both ends",
  );
}

/** A query could hold a SAS token, so nothing of a refused endpoint is shown. */
function checkedEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username && !url.password)
    return url.href.replace(/\/+$/, "");
  throw mistake(
    "has an endpoint that is no plain http or https address",
    "Give one such as https://account.blob.core.windows.net, and a SAS token as credential: { sasToken }",
  );
}

function isTokenCredential(credential: AzureLogin["credential"]): credential is AzureTokenCredential {
  return typeof (credential as Partial<AzureTokenCredential> | undefined)?.getToken === "function";
}

function hasText<Name extends string>(value: unknown, name: Name): value is Record<Name, string> {
  const text = (value as Partial<Record<Name, unknown>> | null | undefined)?.[name];
  return typeof text === "string" && text !== "";
}

function mistake(what: string, cure: string): TypeError {
  return new TypeError(`StorageAzure ${what}. ${cure}.`);
}
