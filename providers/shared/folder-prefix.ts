// The folder of a bucket that a storage's keys lie in, as the name of an object begins with it.

/** Names of objects have at most 1,024 bytes, and keys of dotflow 600. */
const longest = 400;

/** Gives `prefix` with a slash at its end, or nothing for the whole bucket. Throws a `TypeError` that names `user` where it can't be used. */
export function folderPrefix(prefix: string, user: string): string {
  const folder = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  if (folder === "") return folder;
  const parts = folder.slice(0, -1).split("/");
  // Control characters can't stand in an answer of XML, and line breaks not in a request.
  if (parts.some((part) => part === "" || part === "." || part === ".." || /\p{Cc}/u.test(part)))
    throw new TypeError(
      `The option prefix of ${user} is ${JSON.stringify(prefix)}, which has an empty part or one of dots, or in it a line break or another control character. Give one such as "team-a/etl".`,
    );
  if (Buffer.byteLength(folder) > longest)
    throw new TypeError(
      `The option prefix of ${user} has more than ${longest} bytes, too many beside the keys. Give a shorter one.`,
    );
  return folder;
}
