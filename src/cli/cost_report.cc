#include "cli/cost_report.h"

#include "base/text.h"
#include "cli/table.h"

namespace lateen::cli {
namespace {

using assurance::CostLine;
using assurance::format_money;
using assurance::MeasuredVolumes;
using assurance::Micros;
using assurance::SchemeCost;

// "790", "34.5", "0.002".
std::string shown_gb(double gb) {
  std::string text = fmt::format("{:.{}f}", gb, gb < 0.1 ? 4 : 2);
  while (text.find('.') != std::string::npos && (text.ends_with('0') || text.ends_with('.'))) {
    const bool was_point = text.ends_with('.');
    text.pop_back();
    if (was_point) break;
  }
  return text;
}

double in_currency(Micros amount) {
  return static_cast<double>(amount) / 1e6;
}

std::vector<std::vector<std::string>> line_rows(const SchemeCost& cost,
                                                const std::string& currency) {
  std::vector<std::vector<std::string>> rows = {{"PART", "COUNT", "GB EACH", "GB", "A MONTH"}};
  for (const CostLine& line : cost.lines) {
    rows.push_back({line.what, line.count == 0 ? "" : std::to_string(line.count),
                    line.gb_each == 0 ? "" : shown_gb(line.gb_each), shown_gb(line.gb),
                    format_money(line.month, currency)});
  }
  rows.push_back({"total", std::to_string(cost.backups), "", shown_gb(cost.gb),
                  format_money(cost.month, currency)});
  return rows;
}

std::string volume_path_of(const MeasuredVolumes& one) {
  return one.as_files ? "files" : "snapshots";
}

std::string print_measured(const assurance::MeasuredData& measured) {
  std::vector<std::vector<std::string>> rows = {
      {"NAMESPACE", "SAVED AS", "VOLUMES", "GB", "GB CHANGED A DAY", "CHANGE"}};
  for (const MeasuredVolumes& one : measured.volumes) {
    rows.push_back({one.ns.empty() ? "<none>" : one.ns, volume_path_of(one),
                    one.unsized == 0
                        ? std::to_string(one.volumes)
                        : fmt::format("{} ({} of unknown size)", one.volumes, one.unsized),
                    shown_gb(one.data.full), shown_gb(one.data.daily),
                    one.change_measured ? "measured" : "assumed"});
  }
  std::string text = fmt::format("Measured in {} backups; the objects of one take {} GB.\n",
                                 measured.backups, shown_gb(measured.objects_gb));
  if (rows.size() > 1) text += "\n" + print_table(rows);
  return text + "\n";
}

JsonObject scheme_document(const SchemeCost& cost) {
  JsonArray lines;
  for (const CostLine& line : cost.lines) {
    lines.push_back(JsonObject{{"what", line.what},
                               {"count", line.count},
                               {"gbEach", line.gb_each},
                               {"gb", line.gb},
                               {"month", in_currency(line.month)}});
  }
  return JsonObject{{"plan", cost.scheme},
                    {"backups", cost.backups},
                    {"gb", cost.gb},
                    {"month", in_currency(cost.month)},
                    {"lines", std::move(lines)}};
}

Json measured_document(const assurance::MeasuredData& measured) {
  JsonArray volumes;
  for (const MeasuredVolumes& one : measured.volumes) {
    volumes.push_back(JsonObject{{"namespace", one.ns},
                                 {"savedAs", volume_path_of(one)},
                                 {"volumes", one.volumes},
                                 {"unknownSize", one.unsized},
                                 {"gb", one.data.full},
                                 {"gbChangedDaily", one.data.daily},
                                 {"changeMeasured", one.change_measured}});
  }
  return JsonObject{{"backups", measured.backups},
                    {"objectsGB", measured.objects_gb},
                    {"volumes", std::move(volumes)}};
}

std::string quoted_csv(std::string_view field) {
  if (field.find_first_of(",\"\n") == std::string_view::npos) return std::string(field);
  return "\"" + replace_all(field, "\"", "\"\"") + "\"";
}

// RFC 4180, with the line ends of Unix.
std::string csv_line(const std::vector<std::string>& fields) {
  std::vector<std::string> quoted;
  for (const std::string& field : fields)
    quoted.push_back(quoted_csv(field));
  return join(quoted, ",") + "\n";
}

std::string csv_money(Micros amount) {
  return fmt::format("{:.6f}", in_currency(amount));
}

QuotedScheme quoted(std::string_view scheme,
                    double gb,
                    Micros month,
                    std::string difference,
                    const assurance::PriceBook& prices) {
  const assurance::Footprint data{
      .full = 200, .daily = 5, .weekly = 20, .monthly = 40, .yearly = 200};
  QuotedScheme one{.scheme = std::string(scheme), .quoted_gb = gb, .quoted_month = month};
  const auto parsed = assurance::Scheme::parse(scheme);
  LATEEN_ASSERT(parsed.has_value(), "the example's schemes are constants");
  one.model =
      assurance::cost_of(*parsed, data, {.storage = {.gb_month = prices.snapshot_gb_month}});
  one.difference = std::move(difference);
  return one;
}

}  // namespace

std::string print_cost(const CostReport& report) {
  std::string text;
  if (report.measured) text += print_measured(*report.measured);
  for (const PlanCost& plan : report.plans) {
    text += fmt::format("{}: {} backups, {} GB, {} a month once it is full\n\n", plan.cost.scheme,
                        plan.cost.backups, shown_gb(plan.cost.gb),
                        format_money(plan.cost.month, report.currency));
    text += print_table(line_rows(plan.cost, report.currency));
    std::vector<std::string> parts;
    for (const NamespaceCost& one : plan.namespaces) {
      parts.push_back(fmt::format("{}: {} GB, {}", one.ns.empty() ? "<none>" : one.ns,
                                  shown_gb(one.gb), format_money(one.month, report.currency)));
    }
    text += print_list("By namespace", parts) + "\n";
  }
  for (const std::string& note : report.notes)
    text += "Note: " + note + "\n";
  return text;
}

Json cost_document(const CostReport& report) {
  JsonArray plans;
  for (const PlanCost& plan : report.plans) {
    JsonObject json = scheme_document(plan.cost);
    JsonArray namespaces;
    for (const NamespaceCost& one : plan.namespaces) {
      namespaces.push_back(
          JsonObject{{"namespace", one.ns}, {"gb", one.gb}, {"month", in_currency(one.month)}});
    }
    json["namespaces"] = std::move(namespaces);
    plans.push_back(std::move(json));
  }
  JsonObject document{{"currency", report.currency},
                      {"plans", std::move(plans)},
                      {"notes", texts_json(report.notes)}};
  if (report.measured) document["measured"] = measured_document(*report.measured);
  return document;
}

std::string cost_csv(const CostReport& report) {
  std::string text = csv_line({"plan", "namespace", "part", "count", "gb", "month", "currency"});
  for (const PlanCost& plan : report.plans) {
    for (const CostLine& line : plan.cost.lines) {
      text += csv_line({plan.cost.scheme, "", line.what, std::to_string(line.count),
                        shown_gb(line.gb), csv_money(line.month), report.currency});
    }
    for (const NamespaceCost& one : plan.namespaces) {
      text += csv_line({plan.cost.scheme, one.ns, "namespace", "", shown_gb(one.gb),
                        csv_money(one.month), report.currency});
    }
  }
  return text;
}

std::vector<QuotedScheme> quoted_schemes(const assurance::PriceBook& prices) {
  return {
      quoted("7d", 230, 11'500'000, "none", prices),
      quoted("ttl=720h", 150, 7'500'000,
             "the quoted 150 GB are 30 changes of 5 GB, without the first backup, which holds "
             "everything: 200 + 29 x 5 = 345",
             prices),
      quoted("ttl=8760h", 1'650, 82'500'000,
             "200 + 364 x 5 = 2,020; the \"16x\" often said beside it is 365 backups to 23, not "
             "storage, and \"~$300\" follows from no figure here",
             prices),
      quoted("23", 790, 39'500'000, "none", prices)};
}

std::string print_example(const std::vector<QuotedScheme>& schemes, const std::string& currency) {
  std::string text =
      "200 GB, of which 5 change in a day, 20 in a week and 40 in a month, kept as EBS "
      "snapshots.\n\n";
  std::vector<std::vector<std::string>> rows = {
      {"PLAN", "BACKUPS", "QUOTED GB", "QUOTED", "GB", "A MONTH"}};
  std::vector<std::string> differences;
  for (const QuotedScheme& one : schemes) {
    rows.push_back({one.scheme, std::to_string(one.model.backups), shown_gb(one.quoted_gb),
                    format_money(one.quoted_month, "USD"), shown_gb(one.model.gb),
                    format_money(one.model.month, currency)});
    if (one.difference != "none")
      differences.push_back(fmt::format("{}: {}", one.scheme, one.difference));
  }
  text += print_table(rows) + print_list("Where the two differ", differences);
  for (const QuotedScheme& one : schemes) {
    if (one.scheme != "23") continue;
    text += fmt::format("\nThe scheme of 23:\n\n{}", print_table(line_rows(one.model, currency)));
  }
  return text;
}

Json example_document(const std::vector<QuotedScheme>& schemes, const std::string& currency) {
  JsonArray list;
  for (const QuotedScheme& one : schemes) {
    JsonObject json = scheme_document(one.model);
    json["quotedGB"] = one.quoted_gb;
    json["quotedMonth"] = in_currency(one.quoted_month);
    json["difference"] = one.difference;
    list.push_back(std::move(json));
  }
  return JsonObject{{"currency", currency}, {"plans", std::move(list)}};
}

std::string example_csv(const std::vector<QuotedScheme>& schemes) {
  std::string text =
      csv_line({"plan", "backups", "quotedGB", "quotedMonth", "gb", "month", "difference"});
  for (const QuotedScheme& one : schemes) {
    text += csv_line({one.scheme, std::to_string(one.model.backups), shown_gb(one.quoted_gb),
                      csv_money(one.quoted_month), shown_gb(one.model.gb),
                      csv_money(one.model.month), one.difference});
  }
  return text;
}

}  // namespace lateen::cli
