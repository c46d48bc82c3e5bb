// The one implementation of Api, over a Store.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "sandbox/api/admission.h"
#include "sandbox/api/api.h"
#include "sandbox/api/api_context.h"
#include "sandbox/api/reader.h"
#include "sandbox/api/remover.h"
#include "sandbox/api/service_allocator.h"
#include "sandbox/api/writer.h"
#include "sandbox/rbac/authorizer.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox {

// Thread-safe. Runs one thread of its own, which removes the objects of definitions that are being
// deleted.
class ApiServer final : public Api {
 public:
  // All of them must outlive it.
  ApiServer(Store& store, const Clock& clock, Rng& rng, Log log);
  ~ApiServer() override;

  ApiResult<Json> get(const GroupVersionResource& gvr,
                      std::string_view ns,
                      std::string_view name) override;
  ApiResult<ObjectList> list(const GroupVersionResource& gvr, const ListOptions& options) override;
  ApiResult<std::unique_ptr<Watch>> watch(const GroupVersionResource& gvr,
                                          const WatchOptions& options) override;
  ApiResult<Json> create(const GroupVersionResource& gvr,
                         std::string_view ns,
                         Json object,
                         const WriteOptions& options) override;
  ApiResult<Json> update(const GroupVersionResource& gvr,
                         Json object,
                         const WriteOptions& options) override;
  ApiResult<Json> patch(const GroupVersionResource& gvr,
                        std::string_view ns,
                        std::string_view name,
                        PatchType type,
                        const Json& patch,
                        const WriteOptions& options) override;
  ApiResult<DeleteOutcome> remove(const GroupVersionResource& gvr,
                                  std::string_view ns,
                                  std::string_view name,
                                  const DeleteOptions& options) override;
  ApiResult<std::vector<Json>> remove_collection(const GroupVersionResource& gvr,
                                                 const ListOptions& selected,
                                                 const DeleteOptions& options) override;
  std::vector<ServedResource> resources() const override;
  std::optional<ServedResource> find_kind(std::string_view api_version,
                                          std::string_view kind) const override;
  std::uint64_t resources_generation() const override;
  std::string current_resource_version() const override;

  // ---- The same on a type that was looked up already, for the HTTP front.
  RegistryPtr registry() const { return current_.get(); }

  const Reader& reader() const { return reader_; }

  const ApiContext& context() const { return context_; }

  const rbac::Authorizer& authorizer() const { return authorizer_; }

  ApiResult<Written> create(const ServedType& type,
                            std::string_view ns,
                            Json object,
                            const WriteOptions& options);
  ApiResult<Written> update(const ServedType& type, Json object, const WriteOptions& options);
  ApiResult<Written> patch(const ServedType& type,
                           std::string_view ns,
                           std::string_view name,
                           PatchType patch_type,
                           const Json& patch,
                           const WriteOptions& options);
  ApiResult<DeleteOutcome> remove(const ServedType& type,
                                  std::string_view ns,
                                  std::string_view name,
                                  const DeleteOptions& options);
  ApiResult<std::vector<Json>> remove_all(const ServedType& type,
                                          const ListOptions& selected,
                                          const DeleteOptions& options);

 private:
  ApiResult<ServedTypePtr> type_of(const GroupVersionResource& gvr) const;
  std::vector<Json> stored_definitions() const;
  void refresh_registry();
  // What a write of this type makes out of date.
  void follow_up(const ServedType& type);
  void keep_house(std::stop_token stop);
  bool clean_definition(const Json& crd);

  Store& store_;
  CurrentRegistry current_;
  const ApiContext context_;
  const rbac::Authorizer authorizer_;
  ServiceAllocator services_;
  Admission admission_;
  webhooks::Webhooks webhooks_;
  Reader reader_;
  Writer writer_;
  Remover remover_;
  Mutex refresh_mu_;  // one refresh at a time, so that the newest wins
  std::jthread cleaner_;
};

}  // namespace lateen::sandbox
