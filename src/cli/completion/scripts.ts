/**
 * What a shell reads. Each script asks the program itself what may stand next, so it is never out of date. The
 * answer is a line `:words`, `:files` or `:folders`, then one candidate a line, a tab before its description.
 * What is answered may be a stranger's words: no script lets its shell evaluate them.
 */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

const bash = `# Completion of watchkeeper for bash. In ~/.bashrc: source <(watchkeeper completion bash)
_watchkeeper() {
  local program=$1 current=$2 kind word description
  COMPREPLY=()
  [[ $program == "~/"* ]] && program=$HOME/\${program:2}
  {
    IFS= read -r kind
    case $kind in
      :words)
        while IFS=$'\\t' read -r word description; do
          [[ $word == "$current"* ]] && COMPREPLY+=("$word")
        done
        ;;
      :files | :folders)
        local action=file
        [[ $kind == :folders ]] && action=directory
        compopt -o filenames 2>/dev/null
        while IFS= read -r word; do
          COMPREPLY+=("$word")
        done < <(compgen -A "$action" -- "$current")
        ;;
    esac
  } < <("$program" completion bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _watchkeeper watchkeeper
`;

const zsh = `#compdef watchkeeper
# Completion of watchkeeper for zsh. In ~/.zshrc, after compinit: source <(watchkeeper completion zsh)
_watchkeeper() {
  local program=$words[1] kind word line
  local -a answer described
  [[ $program == "~/"* ]] && program=$HOME/\${program#\\~/}
  answer=("\${(@f)$("$program" completion zsh -- "\${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  kind=$answer[1]
  case $kind in
    :files) _files ;;
    :folders) _files -/ ;;
    :words)
      for line in "\${(@)answer[2,-1]}"; do
        word=\${line%%$'\\t'*}
        described+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
      done
      _describe -V watchkeeper described
      ;;
  esac
}
# Read from a file in fpath it is called at once; else it is to be called for the command.
if [[ $funcstack[1] == _watchkeeper ]]; then
  _watchkeeper "$@"
else
  compdef _watchkeeper watchkeeper
fi
`;

const fish = `# Completion of watchkeeper for fish. In ~/.config/fish/config.fish: watchkeeper completion fish | source
function __watchkeeper_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -e words[1]
    set -l answer ($program completion fish -- $words "$current" 2>/dev/null)
    switch "$answer[1]"
        case ':files'
            __fish_complete_path "$current"
        case ':folders'
            __fish_complete_directories "$current" ''
        case ':words'
            set -e answer[1]
            printf '%s\\n' $answer
    end
end
complete -c watchkeeper -f -k -a '(__watchkeeper_complete)'
`;

export const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
