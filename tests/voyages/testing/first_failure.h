// What a harbour looks like at the moment when a test in it first fails: for whoever has nothing
// but CI's output to find the cause in.
#pragma once

namespace lateen::voyages {

class Harbour;

// From now on, until it is forgotten, the first failure of each test tells of this harbour: the
// phases of Velero's objects, pods, the latest Events, and the ends of all logs.
void tell_of_failures_in(const Harbour& harbour);
void forget_failures_in(const Harbour& harbour);

}  // namespace lateen::voyages
