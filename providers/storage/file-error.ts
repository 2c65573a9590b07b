// Errors of the file system, said so that people know what to do.
const advice: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space",
  EDQUOT: "the disk quota is used up; free some space",
  EROFS: "the file system is read-only; mount it for writing or choose another folder",
  EACCES: "this process may not use it; check owner and mode of the folder",
  EPERM: "this process may not use it; check owner and mode of the folder",
  ENOENT: "the folder was removed while it was in use, with what was saved in it; put it back, or start anew",
  ENOTDIR: "a value lies where a folder is needed: a key can't be the beginning of another one",
  EISDIR: "a folder lies where the value would go: a key can't be the beginning of another one",
  ENAMETOOLONG: "the name is too long for this file system; use a shorter key or folder",
  EIO: "the disk failed; check it before anything else",
  EBUSY: "another program holds the file",
  EMFILE: "this process has too many open files",
  ENFILE: "the machine has too many open files",
};

/** Gives Node's error with a text for people. `retryable` is set where the same call may go through a moment later. */
export function explained(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === "") return error;
  const { syscall } = error as NodeJS.ErrnoException;
  const onWindows = process.platform === "win32" && syscall === "rename" && (code === "EPERM" || code === "EACCES");
  const message = `${advice[code] ?? error.message} (${code}${syscall ? `, ${syscall}` : ""}, ${JSON.stringify(path)})`;
  return Object.assign(error, {
    message,
    ...(onWindows || ["EBUSY", "EMFILE", "ENFILE"].includes(code) ? { retryable: true } : {}),
  });
}

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "";
}

/** Whether nothing lies there, or a value lies where a folder would be. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
}
