// What keeping backups costs a month, from how much there is and how much of it changes. Pure.
//
// The first backup of a scheme holds everything, each further one what changed since the one
// before it: 200 GB, of which 5 change in a day, 20 in a week and 40 in a month, kept as 7 dailies,
// 4 weeklies and 12 monthlies, are 200 + 6 x 5 + 4 x 20 + 12 x 40 = 790 GB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assurance/price_book.h"
#include "assurance/retention.h"
#include "base/clock.h"
#include "base/result.h"

namespace lateen::assurance {

// In GB as they are billed (2^30 bytes).
struct Footprint {
  double full = 0;
  double daily = 0;  // what changes in a day
  double weekly = 0;
  double monthly = 0;
  double yearly = 0;

  bool operator==(const Footprint&) const = default;

  // With only the daily change known: a week's is taken for 4 times and a month's for 8 times as
  // much, since the same blocks change again and again; a year's for everything. None is more than
  // everything.
  static Footprint from_daily(double full, double daily);

  Footprint& operator+=(const Footprint& other);
};

// A retention policy, or a backup a day for a TTL.
struct Scheme {
  std::string name = {};
  std::optional<RetentionPolicy> policy = {};
  Duration ttl = {};

  // "7d4w12m", "23", "daily=7,monthly=12", or "ttl=720h". InvalidArgument says what is wrong.
  static Result<Scheme> parse(std::string_view text);

  std::size_t backups() const;
};

// Millionths of the currency.
using Micros = std::int64_t;

struct CostLine {
  std::string what = {};  // "first daily", "daily", …, "second region", "transfer"
  std::size_t count = 0;
  double gb_each = 0;
  double gb = 0;
  Micros month = 0;

  bool operator==(const CostLine&) const = default;
};

struct SchemeCost {
  std::string scheme = {};
  std::size_t backups = 0;
  double gb = 0;
  Micros month = 0;
  std::vector<CostLine> lines = {};
};

// Where a scheme's data lies, and what else is wanted.
struct CostOptions {
  StoragePrice storage = {};                       // of the data
  std::optional<StoragePrice> yearlies = {};       // full copies of their own in this class
  std::optional<StoragePrice> second_region = {};  // all of it once more, there
  double transfer_gb = 0;                          // to there
};

// Once the scheme is full.
SchemeCost cost_of(const Scheme& scheme, const Footprint& data, const CostOptions& options);

// Of something that lies in every backup whole, as the tarball of its objects: `gb` each.
CostLine cost_of_copies(const Scheme& scheme, double gb, const StoragePrice& storage);

// "$39.50"; "39.50 EUR" in another currency.
std::string format_money(Micros amount, std::string_view currency);

}  // namespace lateen::assurance
