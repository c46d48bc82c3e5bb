# Writes OUTPUT, the C++ source of the pages of docs/ that are built into the program.
#   cmake -DOUTPUT=help_pages.cc -DROOT=<checkout> -DPAGES=<topic>=<page>,… -P help_pages.cmake
string(REPLACE "," ";" pages "${PAGES}")
set(rows "")
foreach(page ${pages})
  string(REGEX MATCH "^([^=]+)=(.+)$" matched "${page}")
  set(name "${CMAKE_MATCH_1}")
  set(path "${CMAKE_MATCH_2}")
  file(READ "${ROOT}/${path}" text)
  string(APPEND rows "    {\"${name}\", \"${path}\", R\"PAGE(${text})PAGE\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"cli/help_topics.h\"

namespace lateen::cli {
namespace {

constexpr HelpPage kPages[] = {
${rows}};

}  // namespace

std::span<const HelpPage> help_pages() {
  return kPages;
}

}  // namespace lateen::cli
")
