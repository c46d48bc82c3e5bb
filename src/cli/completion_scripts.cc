#include <cctype>

#include "base/text.h"
#include "cli/completion.h"

namespace lateen::cli {
namespace {

// Each script asks `PROGRAM completion candidates -- WORDS…`, where the last word is the one under
// the cursor, and gets lines of "value<TAB>summary", or the one line ":files".

// COMP_WORDBREAKS may or may not hold "=": both are understood. `compopt` works only while bash
// completes.
constexpr std::string_view kBash = R"(# bash completion for PROGRAM
# To load it: source <(PROGRAM completion bash)
_FUNCTION() {
  local IFS=$'\n' program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} lines
  program=${program/#\~/$HOME}
  lines=($("$program" completion candidates -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  COMPREPLY=()
  if [[ ${lines[0]-} == :files ]]; then
    [[ $current == = ]] && current=
    COMPREPLY=($(compgen -f -- "${current#*=}"))
    compopt -o filenames 2>/dev/null
    return 0
  fi
  COMPREPLY=("${lines[@]%%$'\t'*}")
}
complete -F _FUNCTION PROGRAM
)";

constexpr std::string_view kZsh = R"(#compdef PROGRAM
compdef _FUNCTION PROGRAM
# zsh completion for PROGRAM
# To load it: source <(PROGRAM completion zsh)
_FUNCTION() {
  local -a lines offered
  local line value summary
  lines=("${(@f)$("${words[1]/#\~/$HOME}" completion candidates -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${lines[1]} == :files ]]; then
    _files
    return
  fi
  for line in "${lines[@]}"; do
    value=${line%%$'\t'*}
    summary=${line#*$'\t'}
    [[ -n $value ]] && offered+=("${value//:/\\:}${summary:+:$summary}")
  done
  _describe -t candidates PROGRAM offered
}
if [[ ${funcstack[1]} == _FUNCTION ]]; then
  _FUNCTION "$@"
fi
)";

constexpr std::string_view kFish = R"(# fish completion for PROGRAM
# To load it: PROGRAM completion fish | source
function __FUNCTION_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($tokens[1] completion candidates -- $tokens[2..-1] $current 2>/dev/null)
    if test "$lines[1]" = ":files"
        __fish_complete_path $current
        return
    end
    printf '%s\n' $lines
end
complete -c PROGRAM -e
complete -c PROGRAM -f -a '(__FUNCTION_complete)'
)";

// A name of a function in every shell.
std::string function_name(std::string_view program) {
  std::string name(program);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

}  // namespace

Result<std::string> completion_script(std::string_view shell, const std::string& program) {
  std::string_view script;
  if (shell == "bash") script = kBash;
  if (shell == "zsh") script = kZsh;
  if (shell == "fish") script = kFish;
  if (script.empty()) {
    return Error(Code::InvalidArgument, "Invalid shell specified, specify bash, zsh, or fish");
  }
  return replace_all(replace_all(script, "FUNCTION", function_name(program)), "PROGRAM", program);
}

}  // namespace lateen::cli
