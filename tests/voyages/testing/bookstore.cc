#include "voyages/testing/bookstore.h"

#include <gtest/gtest.h>

#include "base/environment.h"

namespace lateen::voyages {

void wait_for_pod(const Harbour& harbour, const std::string& ns, const std::string& pod) {
  wait_until("the pod is there", [&] { return harbour.find({"-n", ns, "pod", pod}).has_value(); });
  harbour.must_kubectl({"-n", ns, "wait", "--for=condition=Ready", "pod/" + pod, "--timeout=120s"});
}

std::string sql(const Harbour& harbour, const std::string& statement) {
  return harbour.must_kubectl({"-n", "bookstore", "exec", "postgres-0", "--", "psql", "-h",
                               "/run/postgresql", "-U", "bookstore", "-d", "bookstore", "-qAtc",
                               statement});
}

Result<Child> write_to_ledger(const Harbour& harbour) {
  sql(harbour, "CREATE TABLE ledger (id serial PRIMARY KEY, note text)");
  auto writer = Child::spawn(
      {.argv =
           {"kubectl", "--kubeconfig", harbour.kubeconfig().string(), "-n", "bookstore", "exec",
            "postgres-0", "--", "/bin/sh", "-c",
            "while true; do echo \"INSERT INTO ledger(note) VALUES (repeat('x', 500));\"; done | "
            "psql -h /run/postgresql -U bookstore -d bookstore -qAt"},
       .env = environment(),
       .out = Stdio::null(),
       .err = Stdio::null()});
  wait_until("rows are written",
             [&harbour] { return sql(harbour, "SELECT count(*) FROM ledger") != "0\n"; });
  return writer;
}

void expect_ledger_without_gap(const Harbour& harbour) {
  EXPECT_EQ(sql(harbour, "SELECT count(*) > 0 AND count(*) = max(id) FROM ledger"), "t\n");
}

}  // namespace lateen::voyages
