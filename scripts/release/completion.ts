import type { Described } from './commands.js';

/** What can follow each command: its commands, its options, and files. */
const words = ({ commands, options }: Described) => [
  ...commands.map(({ name }) => name),
  ...options.flatMap(({ names }) => names),
];

/** For bash, without its package bash-completion. */
export function bashCompletion(all: readonly Described[]): string {
  const cases = all.map(
    (each) => `    ${quoted(each.path.join(' '))}) words=${quoted(words(each).join(' '))} ;;`,
  );
  return `# bash completion of plainview. Made of the declarations of its commands.
_plainview() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path= word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " ${commandPaths(all)} " in *" \${path:+\${path// //}/}$word "*) path="\${path:+$path }$word" ;; esac
  done
  case "$path $previous" in
${valueCases(all, (choices) => `COMPREPLY=($(compgen -W ${quoted(choices)} -- "$current"))`)}
  esac
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _plainview plainview
`;
}

/** Choices of options with a value. @param offer what the shell does with them */
const valueCases = (all: readonly Described[], offer: (choices: string) => string): string =>
  all
    .flatMap(({ path, options }) =>
      options
        .filter(({ values }) => values.length > 0)
        .map(({ names, values }) => {
          const places = names.map((name) => quoted(`${path.join(' ')} ${name}`)).join(' | ');
          return `    ${places}) ${offer(values.join(' '))}; return ;;`;
        }),
    )
    .join('\n');

/** All commands, each as `model/fetch`. */
const commandPaths = (all: readonly Described[]): string =>
  all
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => path.join('/'))
    .join(' ');

export function zshCompletion(all: readonly Described[]): string {
  const cases = all.map(
    ({ path, commands, options }) => `    ${quoted(path.join(' '))})
      candidates=(${[...commands.map(({ name, text }) => pair(name, text)), ...options.flatMap(({ names, text }) => names.map((name) => pair(name, text)))].join(' ')}) ;;`,
  );
  return `#compdef plainview
# zsh completion of plainview. Made of the declarations of its commands.
_plainview() {
  local place= word
  local -a candidates
  for word in $words[2,CURRENT-1]; do
    case " ${commandPaths(all)} " in *" \${place:+\${place// //}/}$word "*) place="\${place:+$place }$word" ;; esac
  done
  case "$place $words[CURRENT-1]" in
${valueCases(all, (choices) => `compadd -- ${choices}`)}
  esac
  case "$place" in
${cases.join('\n')}
  esac
  _describe plainview candidates
  _files
}
_plainview "$@"
`;
}

const pair = (name: string, text: string): string =>
  quoted(`${name.replaceAll(':', '\\:')}:${text.replaceAll(':', '\\:')}`);

export function fishCompletion(all: readonly Described[]): string {
  const lines = all.flatMap(({ path, commands, options }) => {
    const here = `-n ${quoted(`__plainview_is ${path.join(' ')}`.trim())}`;
    return [
      ...commands.map(({ name, text }) => `complete -c plainview ${here} -f -a ${name} -d ${quoted(text)}`),
      ...options.map(
        ({ names, text, takesValue, values }) =>
          `complete -c plainview ${here} ${names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ')}${takesValue ? ' -r' : ''}${values.length > 0 ? ` -f -a ${quoted(values.join(' '))}` : ''} -d ${quoted(text)}`,
      ),
    ];
  });
  return `# fish completion of plainview. Made of the declarations of its commands.
function __plainview_is
  set -l path
  for word in (commandline -opc)[2..]
    if contains -- (string join -- / $path $word) ${commandPaths(all)}
      set -a path $word
    end
  end
  test "$path" = "$argv"
end
${lines.join('\n')}
`;
}

/** In single quotes, as these shells read them. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
