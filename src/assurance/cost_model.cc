#include "assurance/cost_model.h"

#include <algorithm>
#include <cmath>

#include "base/duration.h"

namespace lateen::assurance {
namespace {

using std::chrono::hours;

constexpr double kDaysInMonth = 30;
constexpr double kMillion = 1e6;

// A class of a scheme: so many backups, what each adds, and for how many days the oldest is kept.
struct Tier {
  std::string name;
  std::size_t count = 0;
  double gb_each = 0;
  double days = 0;
};

// Finest first.
std::vector<Tier> tiers_of(const Scheme& scheme, const Footprint& data) {
  std::vector<Tier> tiers;
  const auto add = [&tiers](std::string name, std::size_t count, double gb, double days_each) {
    if (count > 0)
      tiers.push_back({std::move(name), count, gb, days_each * static_cast<double>(count)});
  };
  if (!scheme.policy) {
    add("daily", scheme.backups(), data.daily, 1);
    return tiers;
  }
  const RetentionPolicy& policy = *scheme.policy;
  add("last", policy.last, data.daily, 1);
  add("hourly", policy.hourly, data.daily / 24, 1.0 / 24);
  add("daily", policy.daily, data.daily, 1);
  add("weekly", policy.weekly, data.weekly, 7);
  add("monthly", policy.monthly, data.monthly, kDaysInMonth);
  add("yearly", policy.yearly, data.yearly, 365);
  return tiers;
}

// What goes before its class' minimum is charged as if it had stayed.
double charged_for(const StoragePrice& price, double days) {
  const auto minimum = static_cast<double>(price.minimum_days);
  return days <= 0 ? 1 : std::max(1.0, minimum / days);
}

Micros to_micros(double amount) {
  return std::llround(amount * kMillion);
}

CostLine line_of(const Tier& tier, std::size_t count, double gb_each, const StoragePrice& price) {
  const double gb = gb_each * static_cast<double>(count);
  return {.what = tier.name,
          .count = count,
          .gb_each = gb_each,
          .gb = gb,
          .month = to_micros(gb * price.gb_month * charged_for(price, tier.days))};
}

void add_second_region(SchemeCost& cost, const Footprint& data, const CostOptions& options) {
  const double gb = cost.gb;
  cost.lines.push_back({.what = "second region",
                        .count = cost.backups,
                        .gb_each = 0,
                        .gb = gb,
                        .month = to_micros(gb * options.second_region->gb_month)});
  const double moved = data.daily * kDaysInMonth;
  cost.lines.push_back({.what = "transfer to it",
                        .count = 0,
                        .gb_each = 0,
                        .gb = moved,
                        .month = to_micros(moved * options.transfer_gb)});
}

}  // namespace

Footprint Footprint::from_daily(double full, double daily) {
  const double day = std::min(full, daily);
  return {.full = full,
          .daily = day,
          .weekly = std::min(full, 4 * day),
          .monthly = std::min(full, 8 * day),
          .yearly = full};
}

Footprint& Footprint::operator+=(const Footprint& other) {
  full += other.full;
  daily += other.daily;
  weekly += other.weekly;
  monthly += other.monthly;
  yearly += other.yearly;
  return *this;
}

Result<Scheme> Scheme::parse(std::string_view text) {
  constexpr std::string_view kTtl = "ttl=";
  Scheme scheme{.name = std::string(text)};
  if (text.starts_with(kTtl)) {
    scheme.ttl = TRY(parse_go_duration(text.substr(kTtl.size())).wrap("plan {}", text));
    if (scheme.ttl < hours(24))
      return Error(Code::InvalidArgument, "plan {}: a TTL of less than a day holds no daily backup",
                   text);
    return scheme;
  }
  scheme.policy = TRY(RetentionPolicy::parse(text).wrap("plan {}", text));
  return scheme;
}

std::size_t Scheme::backups() const {
  if (policy) return policy->size();
  return static_cast<std::size_t>(ttl / hours(24));
}

SchemeCost cost_of(const Scheme& scheme, const Footprint& data, const CostOptions& options) {
  SchemeCost cost{.scheme = scheme.name, .backups = scheme.backups()};
  bool has_first = false;
  for (Tier tier : tiers_of(scheme, data)) {
    if (tier.name == "yearly" && options.yearlies) {
      cost.lines.push_back(line_of(tier, tier.count, data.full, *options.yearlies));
      continue;
    }
    std::size_t further = tier.count;
    if (!has_first) {
      Tier first = tier;
      first.name = "first " + tier.name;
      cost.lines.push_back(line_of(first, 1, data.full, options.storage));
      has_first = true;
      --further;
    }
    if (further > 0) cost.lines.push_back(line_of(tier, further, tier.gb_each, options.storage));
  }
  for (const CostLine& line : cost.lines)
    cost.gb += line.gb;
  if (options.second_region) add_second_region(cost, data, options);
  for (const CostLine& line : cost.lines)
    cost.month += line.month;
  return cost;
}

CostLine cost_of_copies(const Scheme& scheme, double gb, const StoragePrice& storage) {
  CostLine sum{.what = "objects", .count = scheme.backups(), .gb_each = gb};
  for (const Tier& tier : tiers_of(scheme, Footprint())) {
    const CostLine line = line_of(tier, tier.count, gb, storage);
    sum.gb += line.gb;
    sum.month += line.month;
  }
  return sum;
}

std::string format_money(Micros amount, std::string_view currency) {
  // To the cent, halves up.
  const Micros cents = (amount + (amount < 0 ? -5'000 : 5'000)) / 10'000;
  const std::string number =
      fmt::format("{}{}.{:02}", cents < 0 ? "-" : "", std::abs(cents) / 100, std::abs(cents) % 100);
  return currency == "USD" ? "$" + number : fmt::format("{} {}", number, currency);
}

}  // namespace lateen::assurance
