// What a drill has found, as a document and as a page.
#include "assurance/drill.h"
#include "base/duration.h"
#include "base/time.h"

namespace lateen::assurance {
namespace {

std::string html_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string fact(std::string_view name, std::string_view value) {
  return fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", html_escaped(name), html_escaped(value));
}

std::string time_text(const std::optional<TimePoint>& time) {
  return time ? format_rfc3339(*time) : std::string("-");
}

}  // namespace

Json drill_evidence(const model::RestoreDrill& drill, const model::DrillRun& run) {
  model::DrillRun found = run;
  found.evidence = {};  // it cannot hold its own digest
  return JsonObject{{"format", "lateen-drill-evidence"},
                    {"version", 1},
                    {"drill", drill.metadata.name},
                    {"spec", *find(model::to_json(drill), "spec")},
                    {"run", model::to_json(found)}};
}

std::string drill_page(const model::RestoreDrill& drill,
                       const model::DrillRun& run,
                       std::string_view digest) {
  const bool passed = run.phase == model::DrillPhase::Passed;
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Restore drill "
      "{0}</title>\n"
      "<style>body{{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}}"
      "table{{border-collapse:collapse;width:100%}}th,td{{text-align:left;vertical-align:top;"
      "padding:.3em .6em;border-bottom:1px solid #ccc}}.passed{{color:#060}}.failed{{color:#a00}}"
      "</style>\n<h1>Restore drill {0}: <span class=\"{1}\">{2}</span></h1>\n",
      html_escaped(drill.metadata.name), passed ? "passed" : "failed", run.phase.text());
  if (!run.message.empty()) page += fmt::format("<p>{}</p>\n", html_escaped(run.message));
  page += "<table>\n" + fact("Run", run.id) + fact("Backup", run.backup) +
          fact("Started", time_text(run.start_timestamp)) +
          fact("Ended", time_text(run.completion_timestamp));
  if (run.recovery_time) page += fact("Recovery time", format_go_duration(*run.recovery_time));
  if (drill.spec.max_recovery_time)
    page += fact("Allowed", format_go_duration(*drill.spec.max_recovery_time));
  for (const auto& [ns, target] : run.namespaces)
    page += fact("Namespace", fmt::format("{} restored as {}", ns, target));
  page += fact("Torn down", run.torn_down ? "yes" : "no") + "</table>\n<h2>Checks</h2>\n<table>\n" +
          "<tr><th>Check</th><th>Result</th><th>Answer</th></tr>\n";
  for (const model::DrillCheckResult& check : run.checks) {
    page += fmt::format("<tr><td>{} ({})</td><td class=\"{}\">{}</td><td>{}{}</td></tr>\n",
                        html_escaped(check.name), html_escaped(check.type),
                        check.passed ? "passed" : "failed", check.passed ? "passed" : "failed",
                        html_escaped(check.observed),
                        check.message.empty() ? "" : "<br>" + html_escaped(check.message));
  }
  return page + fmt::format(
                    "</table>\n<p>SHA-256 of the signed document: <code>{}</code></p>\n"
                    "</html>\n",
                    html_escaped(digest));
}

}  // namespace lateen::assurance
