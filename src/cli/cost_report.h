// What `lateen cost` prints. Pure.
#pragma once

#include <string>
#include <vector>

#include "assurance/cost_model.h"
#include "assurance/measured_cost.h"
#include "base/json.h"

namespace lateen::cli {

// A namespace's part of a scheme.
struct NamespaceCost {
  std::string ns = {};
  double gb = 0;
  assurance::Micros month = 0;
};

struct PlanCost {
  assurance::SchemeCost cost = {};  // of snapshots, files and objects together
  std::vector<NamespaceCost> namespaces = {};
};

struct CostReport {
  std::string currency = "USD";
  std::vector<PlanCost> plans = {};
  std::optional<assurance::MeasuredData> measured = {};  // nothing: by figures from flags
  std::vector<std::string> notes = {};                   // what was assumed
};

std::string print_cost(const CostReport& report);
Json cost_document(const CostReport& report);
// A line for each line of each plan, and for each namespace, as FinOps tools take it.
std::string cost_csv(const CostReport& report);

// The worked example of 200 GB: figures that are often quoted beside what the model gives.
struct QuotedScheme {
  std::string scheme = {};
  double quoted_gb = 0;
  assurance::Micros quoted_month = 0;
  assurance::SchemeCost model = {};
  std::string difference = {};
};

std::vector<QuotedScheme> quoted_schemes(const assurance::PriceBook& prices);
std::string print_example(const std::vector<QuotedScheme>& schemes, const std::string& currency);
Json example_document(const std::vector<QuotedScheme>& schemes, const std::string& currency);
std::string example_csv(const std::vector<QuotedScheme>& schemes);

}  // namespace lateen::cli
