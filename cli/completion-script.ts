// Completion scripts for shells, made of the program's commands and options. Static: completing starts no process.
import type { Command } from "commander";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

interface Described {
  readonly name: string;
  readonly description: string;
  readonly options: readonly {
    readonly flag: string;
    readonly description: string;
    readonly choices: readonly string[];
  }[];
  readonly choices: readonly string[];
}

export function completionScript(shell: Shell, program: Command): string {
  const commands = program.commands.map(describe);
  return { bash, zsh, fish }[shell](commands);
}

function describe(command: Command): Described {
  return {
    name: command.name(),
    description: command.description(),
    options: [...command.options, ...[{ long: "--help", description: "print this help", argChoices: [] }]].map(
      (option) => ({
        flag: option.long ?? "",
        description: option.description,
        choices: option.argChoices ?? [],
      }),
    ),
    choices: command.registeredArguments[0]?.argChoices ?? [],
  };
}

function bash(commands: readonly Described[]): string {
  const cases = commands.map(({ name, options, choices }) => {
    const words = [...options.map(({ flag }) => flag), ...choices].join(" ");
    return `    ${name}) words="${words}" ;;`;
  });
  const values = commands.flatMap(({ options }) => options.filter((option) => option.choices.length > 0));
  const unique = [...new Map(values.map((option) => [`${option.flag} ${option.choices.join(" ")}`, option])).values()];
  return `# bash completion of dotflow: eval "$(dotflow completion bash)"
_dotflow() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} words=""
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} help --help --version" -- "$current"))
    return
  fi
  case $previous in
${unique.map(({ flag, choices }) => `    ${flag}) COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$current")); return ;;`).join("\n")}
  esac
  case $command in
${cases.join("\n")}
    help) words="${commands.map(({ name }) => name).join(" ")}" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _dotflow dotflow`;
}

function zsh(commands: readonly Described[]): string {
  const names = commands.map(({ name, description }) => `    ${quoted(`${name}:${colons(description)}`)}`).join("\n");
  const cases = commands.map(({ name, options, choices }) => {
    const specs = options.map(({ flag, description, choices: values }) => {
      const value = values.length > 0 ? `:value:(${values.join(" ")})` : "";
      return quoted(`${flag}[${description.replace(/[[\]]/g, "")}]${value}`);
    });
    const rest = choices.length > 0 ? quoted(`*:shell:(${choices.join(" ")})`) : quoted("*:file:_files");
    return `    ${name}) _arguments ${[...specs, rest].join(" ")} ;;`;
  });
  return `#compdef dotflow
# zsh completion of dotflow: save it as _dotflow in a folder of $fpath
_dotflow() {
  local -a commands
  commands=(
${names}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _dotflow ]]; then _dotflow "$@"; else compdef _dotflow dotflow; fi`;
}

function fish(commands: readonly Described[]): string {
  const lines = commands.flatMap(({ name, description, options, choices }) => [
    `complete -c dotflow -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`,
    ...options.map(({ flag, description: text, choices: values }) => {
      const value = values.length > 0 ? ` -x -a ${quoted(values.join(" "))}` : "";
      return `complete -c dotflow -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)} -d ${quoted(text)}${value}`;
    }),
    ...(choices.length > 0
      ? [`complete -c dotflow -n '__fish_seen_subcommand_from ${name}' -f -a ${quoted(choices.join(" "))}`]
      : []),
  ]);
  return ["# fish completion of dotflow", ...lines].join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function colons(text: string): string {
  return text.replaceAll(":", "\\:");
}
