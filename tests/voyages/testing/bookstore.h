// The database of examples/bookstore, and somebody who writes to it.
#pragma once

#include <string>

#include "base/process.h"
#include "voyages/testing/harbour.h"

namespace lateen::voyages {

// Until the pod is there and Ready.
void wait_for_pod(const Harbour& harbour, const std::string& ns, const std::string& pod);

// What psql prints in pod postgres-0.
std::string sql(const Harbour& harbour, const std::string& statement);

// One row after the other into table ledger, from now on until it is ended; the first is there.
Result<Child> write_to_ledger(const Harbour& harbour);

// No row is missing between the first and the last: the copy is of one moment.
void expect_ledger_without_gap(const Harbour& harbour);

}  // namespace lateen::voyages
