/* SPDX-License-Identifier: Apache-2.0 */
/* Comments of a .proto by path (descriptor.proto, SourceCodeInfo). */
#include "codegen/model.h"

#include <string.h>

const char *model_comment(const Pb__FileDescriptor *file, const int32_t *path, size_t size)
{
    const Pb__SourceInfo *info = file->source_code_info;
    for (size_t i = 0; info != NULL && i < info->n_location; i++) {
        const Pb__SourceInfo__Location *at = info->location[i];
        if (at->n_path != size || memcmp(at->path, path, size * sizeof *path) != 0) continue;
        return at->leading_comments != NULL ? at->leading_comments : at->trailing_comments;
    }
    return NULL;
}
