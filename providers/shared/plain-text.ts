// Texts of users on their way to a terminal, a log or a service: what can't be shown is made visible.

/**
 * The same text on one line: line breaks, escape codes and marks that turn the direction of writing are written as `\n`
 * and `\u001b`. A step's name or an error's text can so neither break a line nor steer a terminal.
 */
export function plainText(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\p{Surrogate}\u2028\u2029]/gu, (character) => {
    const short = shortForms[character];
    return short ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const shortForms: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Cuts a text to at most `length` characters, never within one. */
export function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length - 1).replace(/\p{Surrogate}$/u, "")}…`;
}

/** What there is to say of an error. */
export interface ErrorFacts {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: ErrorFacts;
}

/** How many causes of causes are told. */
const deepest = 3;

/** Reads an error, which may be anything and may fight back. */
export function errorFacts(error: unknown, depth = 0): ErrorFacts {
  try {
    if (!(error instanceof Error)) return { name: "Error", message: String(error) };
    // They may have been set to anything.
    const { name, message, stack, cause, code } = error as { readonly [Part in keyof ErrorFacts]?: unknown };
    return {
      name: String(name),
      message: String(message),
      ...(typeof code === "string" && { code }),
      ...(typeof stack === "string" && { stack }),
      ...(cause !== undefined && depth < deepest && { cause: errorFacts(cause, depth + 1) }),
    };
  } catch {
    return { name: "Error", message: "an error that can't be read" };
  }
}
