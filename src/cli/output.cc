#include "cli/output.h"

#include "base/text.h"
#include "base/yaml.h"

namespace lateen::cli {

Result<OutputFormat> output_format(const Flags& flags, OutputFormat absent) {
  const std::string text = flags.given("output") ? flags.text("output") : std::string();
  if (text.empty()) return absent;
  if (text == "table") return OutputFormat::Table;
  if (text == "json") return OutputFormat::JsonText;
  if (text == "yaml") return OutputFormat::Yaml;
  return Error(Code::InvalidArgument,
               "invalid output format \"{}\" - valid values are 'table', 'json', and 'yaml'", text);
}

std::vector<FlagSpec> output_flags(std::string_view by_default) {
  return {
      {.name = "output",
       .usage = "Output display format. For create commands, display the object but do not send it "
                "to the "
                "server. Valid formats are 'table', 'json', and 'yaml'. 'table' is not valid for "
                "the install command.",
       .value = std::string(by_default),
       .shorthand = "o",
       .words = {"table", "json", "yaml"}},
      {.name = "label-columns",
       .kind = FlagKind::List,
       .usage =
           "Accepts a comma separated list of labels that are going to be presented as columns.",
       .shorthand = "L"},
      {.name = "show-labels", .kind = FlagKind::Bool, .usage = "Show labels in the last column"}};
}

FlagSpec report_flag() {
  return {.name = "output",
          .usage = "Output format. Valid values are 'table', 'json', and 'yaml'.",
          .value = "table",
          .shorthand = "o",
          .words = {"table", "json", "yaml"}};
}

FlagSpec result_flag() {
  return {.name = "output",
          .usage = "Print a document instead of text. Valid values are 'json' and 'yaml'.",
          .shorthand = "o",
          .words = {"json", "yaml"}};
}

std::string print_document(const Json& document, OutputFormat format) {
  return format == OutputFormat::Yaml ? write_yaml(document) : write_json_pretty(document) + "\n";
}

std::string print_documents(const std::vector<Json>& documents,
                            std::string_view api_version,
                            std::string_view kind,
                            OutputFormat format,
                            bool one_alone) {
  if (documents.size() == 1 && one_alone) return print_document(documents.front(), format);
  const Json list = JsonObject{{"kind", fmt::format("{}List", kind)},
                               {"apiVersion", api_version},
                               {"metadata", JsonObject()},
                               {"items", JsonArray(documents.begin(), documents.end())}};
  return print_document(list, format);
}

std::vector<std::string> label_headings(const Flags& flags) {
  std::vector<std::string> headings;
  for (const std::string& key : flags.list("label-columns")) {
    headings.push_back(
        to_upper(cut_last(key, "/").found ? cut_last(key, "/").after : std::string_view(key)));
  }
  if (flags.is("show-labels")) headings.emplace_back("LABELS");
  return headings;
}

std::vector<std::string> label_cells(const Flags& flags, const model::StringMap& labels) {
  std::vector<std::string> cells;
  for (const std::string& key : flags.list("label-columns")) {
    const auto at = labels.find(key);
    cells.push_back(at == labels.end() ? "<none>" : at->second);
  }
  if (!flags.is("show-labels")) return cells;
  std::vector<std::string> pairs;
  for (const auto& [key, value] : labels)
    pairs.push_back(fmt::format("{}={}", key, value));
  cells.push_back(pairs.empty() ? "<none>" : join(pairs, ","));
  return cells;
}

}  // namespace lateen::cli
