// IAM policies evaluated here, as AWS evaluates them: an explicit deny wins, and what nothing
// allows is denied. Policies of an identity only: who asks is not looked at.
//
//   const IamPolicy policy = TRY(IamPolicy::parse(text));
//   policy.decide({.action = "s3:GetObject", .resource = "arn:aws:s3:::backups/x"}).allowed
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace lateen::assurance {

// What is known of a call: "aws:RequestTag/velero.io/backup" → {"true"}. Keys compare without case,
// but for a tag's own name behind the slash.
using IamContext = std::map<std::string, std::vector<std::string>, std::less<>>;

struct IamRequest {
  std::string action = {};
  std::string resource = {};
  IamContext context = {};
};

struct IamDecision {
  bool allowed = false;
  std::string reason =
      {};  // which statement decides, or what comes nearest and why it does not fit
};

// Immutable.
class IamPolicy {
 public:
  // One document, or several that are attached together (parse each and join()). InvalidArgument
  // names the statement and what is wrong with it: an unknown operator is never passed over.
  static Result<IamPolicy> parse(BytesView text);

  // Both attached.
  void join(IamPolicy other);

  IamDecision decide(const IamRequest& request) const;

 private:
  struct Condition {
    std::string quantifier = {};  // "ForAllValues", "ForAnyValue", or ""
    std::string op = {};          // "StringEquals", without IfExists
    bool if_exists = false;
    std::string key = {};
    std::vector<std::string> wanted = {};
  };

  struct Statement {
    std::string name = {};
    bool deny = false;
    std::vector<std::string> actions = {};
    bool not_actions = false;
    std::vector<std::string> resources = {};
    bool not_resources = false;
    std::vector<Condition> conditions = {};
  };

  static Result<Statement> parse_statement(const Json& json, std::size_t number);
  static Status parse_conditions(const Json& json, Statement& into);
  static bool matches_action(const Statement& statement, std::string_view action);
  static bool matches_resource(const Statement& statement, const IamRequest& request);
  static bool holds(const Condition& condition, const IamContext& context);
  static const Condition* failing(const Statement& statement, const IamContext& context);

  std::vector<Statement> statements_;
};

}  // namespace lateen::assurance
