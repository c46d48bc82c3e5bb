// Sees what goes into a backup, as it is stored: for whoever says afterwards what the backup needs
// and what it does not hold.
#pragma once

#include "base/bytes.h"

namespace lateen::backup {

struct ItemId;

// Implementations are thread-safe, quick, and keep no views.
class ItemWitness {
 public:
  ItemWitness() = default;
  ItemWitness(const ItemWitness&) = delete;
  ItemWitness& operator=(const ItemWitness&) = delete;
  virtual ~ItemWitness() = default;

  // Once for each object, after it went in.
  virtual void see(const ItemId& item, BytesView json) = 0;
};

}  // namespace lateen::backup
