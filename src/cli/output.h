// -o table|json|yaml, --show-labels and -L: how lists of objects are printed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/command.h"
#include "model/object_meta.h"

namespace lateen::cli {

enum class OutputFormat { None, Table, JsonText, Yaml };

// "" gives `absent`. "invalid output format "x" - valid values are 'table', 'json', and 'yaml'"
// otherwise.
Result<OutputFormat> output_format(const Flags& flags, OutputFormat absent);

// The flags -o, -L and --show-labels.
std::vector<FlagSpec> output_flags(std::string_view by_default);

// -o of a command that prints a report: table by default. Read it with output_format.
FlagSpec report_flag();

// -o of a command that does something: json and yaml print what was done.
FlagSpec result_flag();

// As JSON (two blanks, a newline) or YAML.
std::string print_document(const Json& document, OutputFormat format);

// One object by itself when Velero would print it so, else a List of the kind.
std::string print_documents(const std::vector<Json>& documents,
                            std::string_view api_version,
                            std::string_view kind,
                            OutputFormat format,
                            bool one_alone);

// Label columns behind a row: -L a,b and --show-labels.
std::vector<std::string> label_headings(const Flags& flags);
std::vector<std::string> label_cells(const Flags& flags, const model::StringMap& labels);

}  // namespace lateen::cli
