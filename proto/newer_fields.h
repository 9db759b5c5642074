// What a newer version says of a failure, and this version does not understand: it is kept, and handed
// on where it stood, so that a cluster of several versions loses nothing.
#ifndef SHOOTDOWN_PROTO_NEWER_FIELDS_H_
#define SHOOTDOWN_PROTO_NEWER_FIELDS_H_

#include <vector>

#include "fuzz/corpus/failure.h"

namespace shootdown {

namespace v1 {
class Failure;
}  // namespace v1

// The fields of `message`, and of the entries of its lists, that have no name here. A number of an
// enumeration that has none is such a field as well.
[[nodiscard]] std::vector<NewerFields> TakeNewerFields(const v1::Failure& message);

// Puts them where they stood. What this version understands of them becomes a field with a name. Leaves
// out what is no field, or belongs to an entry that is not there.
void PutNewerFields(const std::vector<NewerFields>& newer, v1::Failure& message);

}  // namespace shootdown

#endif  // SHOOTDOWN_PROTO_NEWER_FIELDS_H_
