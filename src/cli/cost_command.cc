// `lateen cost`: what keeping backups costs, by retention, prices and what is there to keep.
#include <cmath>
#include <map>

#include "base/duration.h"
#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"
#include "cli/commands.h"
#include "cli/cost_report.h"
#include "cli/output.h"
#include "cli/stored_backups.h"
#include "model/names.h"
#include "model/schedule.h"
#include "server/config.h"
#include "server/retention.h"

namespace lateen::cli {
namespace {

using assurance::CostLine;
using assurance::CostOptions;
using assurance::Footprint;
using assurance::MeasuredBackup;
using assurance::MeasuredVolumes;
using assurance::PriceBook;
using assurance::Scheme;
using assurance::SchemeCost;

constexpr double kMostGb = 1e9;

// A number of --full and the like; nothing when it was not given.
Result<std::optional<double>> number_flag(const Flags& flags, std::string_view name) {
  if (!flags.given(name)) return std::optional<double>();
  const std::string text = flags.text(name);
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (!text.empty() && *end == '\0' && number >= 0 && number <= kMostGb)
    return std::optional(number);
  return Error(Code::InvalidArgument, "--{} {} is not a number from 0 to {}", name, quote_go(text),
               kMostGb);
}

Result<PriceBook> read_prices(const Flags& flags) {
  const std::string file = flags.text("prices");
  if (file.empty()) return PriceBook();
  return PriceBook::parse(TRY(read_file(file, 1_MiB))).wrap("{}", file);
}

// --full and what goes with it; nothing when the cluster shall be measured.
Result<std::optional<Footprint>> footprint_of(const Flags& flags) {
  const auto full = TRY(number_flag(flags, "full"));
  if (!full) {
    for (const char* name : {"daily-change", "weekly-change", "monthly-change", "yearly-change"}) {
      if (flags.given(name)) return Error(Code::InvalidArgument, "--{} goes with --full", name);
    }
    return std::optional<Footprint>();
  }
  const auto rate = TRY(number_flag(flags, "change-rate"));
  const auto daily = TRY(number_flag(flags, "daily-change"));
  Footprint data = Footprint::from_daily(*full, daily.value_or(*full * rate.value_or(2.5) / 100));
  data.weekly = TRY(number_flag(flags, "weekly-change")).value_or(data.weekly);
  data.monthly = TRY(number_flag(flags, "monthly-change")).value_or(data.monthly);
  data.yearly = TRY(number_flag(flags, "yearly-change")).value_or(data.yearly);
  return std::optional(data);
}

struct Prices {
  PriceBook book = {};
  CostOptions snapshots = {};
  CostOptions files = {};
  CostOptions objects = {};
};

Result<Prices> prices_of(const Flags& flags) {
  Prices prices{.book = TRY(read_prices(flags))};
  const PriceBook& book = prices.book;
  prices.snapshots.storage = {.gb_month = book.snapshot_gb_month};
  prices.files.storage = TRY(book.storage_class(flags.text("storage-class")));
  prices.objects.storage = prices.files.storage;
  if (const std::string name = flags.text("yearly-class"); !name.empty()) {
    prices.snapshots.yearlies = prices.files.yearlies = TRY(book.storage_class(name));
  }
  if (const std::string name = flags.text("second-region"); !name.empty()) {
    prices.files.second_region = TRY(book.storage_class(name));
    prices.snapshots.second_region = prices.snapshots.storage;
    prices.files.transfer_gb = prices.snapshots.transfer_gb = book.transfer_gb;
  }
  return prices;
}

void add_part(SchemeCost& sum, const SchemeCost& part, std::string_view name) {
  sum.gb += part.gb;
  sum.month += part.month;
  for (CostLine line : part.lines) {
    if (!name.empty()) line.what = fmt::format("{}: {}", name, line.what);
    sum.lines.push_back(std::move(line));
  }
}

PlanCost measured_cost(const Scheme& scheme,
                       const assurance::MeasuredData& data,
                       const Prices& prices) {
  PlanCost plan{.cost = {.scheme = scheme.name, .backups = scheme.backups()}};
  const Footprint snapshots = data.snapshots();
  const Footprint files = data.files();
  if (snapshots.full > 0)
    add_part(plan.cost, assurance::cost_of(scheme, snapshots, prices.snapshots), "snapshots");
  if (files.full > 0) add_part(plan.cost, assurance::cost_of(scheme, files, prices.files), "files");
  const CostLine objects =
      assurance::cost_of_copies(scheme, data.objects_gb, prices.objects.storage);
  plan.cost.gb += objects.gb;
  plan.cost.month += objects.month;
  plan.cost.lines.push_back(objects);
  std::map<std::string, NamespaceCost> by_namespace;
  for (const MeasuredVolumes& one : data.volumes) {
    const SchemeCost cost =
        assurance::cost_of(scheme, one.data, one.as_files ? prices.files : prices.snapshots);
    NamespaceCost& sum = by_namespace[one.ns];
    sum.ns = one.ns;
    sum.gb += cost.gb;
    sum.month += cost.month;
  }
  for (auto& [ns, cost] : by_namespace)
    plan.namespaces.push_back(std::move(cost));
  return plan;
}

Result<std::vector<Scheme>> schemes_from_flags(const Flags& flags) {
  std::vector<Scheme> schemes;
  for (const std::string& text : flags.texts("plan"))
    schemes.push_back(TRY(Scheme::parse(text)));
  return schemes;
}

// What the cluster's schedules keep, each different plan once.
Result<std::vector<Scheme>> schemes_of(const Session& session, std::stop_token stop) {
  std::map<std::string, Scheme> schemes;
  for (const auto& schedule : TRY(session.cluster.list<model::Schedule>({}, stop))) {
    const auto policy =
        TRY(server::retention_of(schedule).wrap("schedule {}", schedule.metadata.name));
    Scheme scheme{.policy = policy};
    const Duration ttl = schedule.spec.backup_template.ttl;
    scheme.ttl = ttl == Duration::zero() ? server::ServerConfig().default_backup_ttl : ttl;
    scheme.name = policy ? policy->format() : "ttl=" + format_go_duration(scheme.ttl);
    schemes.emplace(scheme.name, scheme);
  }
  std::vector<Scheme> list;
  for (auto& [name, scheme] : schemes)
    list.push_back(std::move(scheme));
  return list;
}

Result<std::vector<MeasuredBackup>> read_measured(StoredBackups& stored, std::stop_token stop) {
  std::vector<MeasuredBackup> backups;
  for (const model::Backup& backup : stored.backups()) {
    objects::BackupStore& store = *TRY(stored.store_of(backup, stop));
    const assurance::BackupFiles& files = *TRY(stored.files_of(backup, stop));
    const std::string& name = backup.metadata.name;
    MeasuredBackup one{.name = name,
                       .schedule = std::string(backup.metadata.label(model::labels::kScheduleName)),
                       .time = time_of(backup),
                       .bytes = files.total_of(store.layout().backup_dir(name))};
    // Absent in backups of Velero before 1.14, and in those that have expired meanwhile.
    auto volumes = store.get_volume_infos(name, stop);
    if (volumes) one.volumes = std::move(*volumes);
    if (!volumes && !volumes.error().is(Code::NotFound)) return std::move(volumes).error();
    backups.push_back(std::move(one));
  }
  return backups;
}

std::vector<std::string> notes_on(const assurance::MeasuredData& data, double rate) {
  std::vector<std::string> notes;
  if (data.volumes.empty()) return {"no backup holds a volume's data"};
  bool assumed = false;
  std::size_t unsized = 0;
  for (const MeasuredVolumes& one : data.volumes) {
    assumed = assumed || !one.change_measured;
    unsized += one.unsized;
  }
  if (assumed) {
    notes.push_back(fmt::format(
        "snapshots do not tell how much changes: {}% of a volume a day is assumed (--change-rate)",
        rate));
  }
  notes.emplace_back(
      "a week is taken to change 4 times, a month 8 times as much as a day, a year everything");
  if (unsized > 0) {
    notes.push_back(
        fmt::format("{} volumes tell no size: native snapshots have none in a backup", unsized));
  }
  notes.emplace_back("a snapshot is counted with its volume's size, which is an upper bound");
  return notes;
}

Result<CostReport> measured_report(const Prices& prices, const Invocation& call) {
  const auto stored = TRY(StoredBackups::open(call));
  std::vector<Scheme> schemes = TRY(schemes_from_flags(call.flags));
  if (schemes.empty()) schemes = TRY(schemes_of(stored->session(), call.stop));
  if (schemes.empty()) schemes.push_back(TRY(Scheme::parse("23")));
  const auto backups = TRY(read_measured(*stored, call.stop));
  if (backups.empty()) {
    return Error(Code::NotFound, "there is no backup whose sizes could be measured")
        .with_hint("Give the figures: lateen cost --full 200 --daily-change 5 --plan 23");
  }
  const double rate = TRY(number_flag(call.flags, "change-rate")).value_or(2.5);
  CostReport report{.currency = prices.book.currency,
                    .measured = assurance::measure(backups, rate / 100)};
  report.notes = notes_on(*report.measured, rate);
  for (const Scheme& scheme : schemes)
    report.plans.push_back(measured_cost(scheme, *report.measured, prices));
  return report;
}

Result<CostReport> given_report(const Footprint& data,
                                const Prices& prices,
                                const Invocation& call) {
  CostReport report{.currency = prices.book.currency};
  std::vector<Scheme> schemes = TRY(schemes_from_flags(call.flags));
  if (schemes.empty()) schemes.push_back(TRY(Scheme::parse("23")));
  const std::string as = call.flags.text("as");
  if (as != "snapshots" && as != "files")
    return Error(Code::InvalidArgument, "--as is snapshots or files, not {}", as);
  for (const Scheme& scheme : schemes) {
    report.plans.push_back({.cost = assurance::cost_of(
                                scheme, data, as == "files" ? prices.files : prices.snapshots)});
  }
  return report;
}

bool is_csv(const Invocation& call) {
  return call.flags.text("output") == "csv";
}

Result<OutputFormat> cost_format(const Invocation& call) {
  if (is_csv(call)) return OutputFormat::None;
  auto format = output_format(call.flags, OutputFormat::Table);
  if (format) return format;
  return Error(Code::InvalidArgument,
               "invalid output format \"{}\" - valid values are 'table', 'json', 'yaml', and 'csv'",
               call.flags.text("output"));
}

Result<int> show_cost(Invocation& call) {
  const OutputFormat format = TRY(cost_format(call));
  const Prices prices = TRY(prices_of(call.flags));
  const auto data = TRY(footprint_of(call.flags));
  const CostReport report =
      data ? TRY(given_report(*data, prices, call)) : TRY(measured_report(prices, call));
  call.console.out(is_csv(call)                    ? cost_csv(report)
                   : format == OutputFormat::Table ? print_cost(report)
                                                   : print_document(cost_document(report), format));
  return 0;
}

Result<int> show_example(Invocation& call) {
  const OutputFormat format = TRY(cost_format(call));
  const PriceBook prices = TRY(read_prices(call.flags));
  const auto schemes = quoted_schemes(prices);
  call.console.out(is_csv(call) ? example_csv(schemes)
                   : format == OutputFormat::Table
                       ? print_example(schemes, prices.currency)
                       : print_document(example_document(schemes, prices.currency), format));
  return 0;
}

Result<int> show_prices(Invocation& call) {
  const PriceBook prices = TRY(read_prices(call.flags));
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Yaml));
  call.console.out(print_document(prices.document(),
                                  format == OutputFormat::Table ? OutputFormat::Yaml : format));
  return 0;
}

FlagSpec cost_output_flag() {
  return {.name = "output",
          .usage = "Output format. Valid values are 'table', 'json', 'yaml', and 'csv'.",
          .value = "table",
          .shorthand = "o",
          .words = {"table", "json", "yaml", "csv"}};
}

FlagSpec prices_flag() {
  return {
      .name = "prices", .usage = "A file of prices, as `cost prices` prints one.", .names = "file"};
}

std::vector<FlagSpec> cost_flags() {
  std::vector<FlagSpec> flags = {
      {.name = "plan",
       .kind = FlagKind::Texts,
       .usage = "What is kept: 23, 7d4w12m, ttl=720h (a backup a day). May be repeated; default: "
                "what the cluster's schedules keep."},
      {.name = "full",
       .usage = "How many GB there are to back up, instead of measuring the cluster's backups."},
      {.name = "daily-change", .usage = "With --full: how many GB change in a day."},
      {.name = "weekly-change", .usage = "With --full: in a week (default: 4 times a day's)."},
      {.name = "monthly-change", .usage = "With --full: in a month (default: 8 times a day's)."},
      {.name = "yearly-change", .usage = "With --full: in a year (default: everything)."},
      {.name = "change-rate",
       .usage = "How many percent change in a day where nothing tells.",
       .value = "2.5"},
      {.name = "as",
       .usage = "With --full: kept as block snapshots, or as files in a repository.",
       .value = "snapshots",
       .words = {"snapshots", "files"}},
      {.name = "storage-class", .usage = "The bucket's storage class.", .value = "STANDARD"},
      {.name = "yearly-class",
       .usage = "Keep yearlies as full copies in this storage class: DEEP_ARCHIVE."},
      {.name = "second-region", .usage = "Keep all once more in another region, in this class."}};
  flags.push_back(prices_flag());
  flags.push_back(cost_output_flag());
  return flags;
}

}  // namespace

Command cost_command() {
  std::vector<FlagSpec> flags = cost_flags();
  const std::vector<FlagSpec> choice = backup_choice_flags();
  flags.insert(flags.end(), choice.begin(), choice.end());
  return {
      .name = "cost",
      .usage = "",
      .summary = "Say what keeping backups costs a month",
      .flags = std::move(flags),
      .run = show_cost,
      .children = {{.name = "example",
                    .usage = "",
                    .summary = "The worked example of 200 GB, and figures that are often quoted",
                    .flags = {prices_flag(), cost_output_flag()},
                    .run = show_example,
                    .max_args = 0},
                   {.name = "prices",
                    .usage = "",
                    .summary = "Print the prices that are used, as a file for --prices",
                    .flags = {prices_flag(), report_flag()},
                    .run = show_prices,
                    .max_args = 0}},
      .text =
          "Say what keeping backups costs a month, by what the cluster's backups measure or "
          "by figures that you give (--full), for one plan or several beside each other.",
      .max_args = 0};
}

}  // namespace lateen::cli
