// What is done to every object before it is created again. Pure.
#pragma once

#include <string>
#include <string_view>

#include "archive/archive_paths.h"
#include "base/json.h"
#include "base/result.h"

namespace lateen::restore {

// Takes out what belongs to the object's former life: status, uid, resourceVersion, generation,
// timestamps, owner references, generateName, selfLink, managed fields. Finalizers stay, as in
// Velero.
void strip(Json& object);

// Ok if the object is the one that its place in the tarball says: by its place the restore's
// filters have let it through. Corrupt says what it is instead. Which kind it must be, the cluster
// knows.
Status check_identity(const Json& object, const archive::ItemKey& place);

// Why it is not worth creating again: a pod or job that has ended, or a mirror of a static pod.
// Empty otherwise.
std::string why_not_worth_it(std::string_view group_resource, const Json& object);

// The labels velero.io/backup-name and velero.io/restore-name. The names are valid label values.
void label_as_restored(Json& object, std::string_view backup, std::string_view restore);

// Whether the two are the same thing to a restore: what is in the cluster and what would be
// created, both without their former lives and without the restore's labels.
bool is_same_content(Json in_cluster, Json wanted);

// Managed fields of server-side apply, which must be given back: without them the next `kubectl
// apply
// --server-side` of the same manager would meet conflicts. Null when there are none.
const Json* applied_fields(const Json& object);

}  // namespace lateen::restore
