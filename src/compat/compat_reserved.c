/* SPDX-License-Identifier: Apache-2.0 */
/* Reserved numbers and names, sorted: a text of a million numbers costs no square of it. Pure. */
#include "compat/compat_find.h"

#include <stdlib.h>
#include <string.h>

static int compare_ranges(const void *a, const void *b)
{
    const actri_proto_range_t *one = a, *other = b;
    return (one->start > other->start) - (one->start < other->start);
}

static bool take_ranges(actri_compat_finder_t *finder, const actri_proto_range_t *ranges, actri_compat_reserved_t *out)
{
    size_t count = 0;
    for (const actri_proto_range_t *r = ranges; r != NULL; r = r->next) count++;
    out->ranges = actri_arena_alloc(&finder->report->arena, count * sizeof *out->ranges);
    if (out->ranges == NULL) return false;
    count = 0;
    for (const actri_proto_range_t *r = ranges; r != NULL; r = r->next) out->ranges[count++] = *r;
    if (count > 1) qsort(out->ranges, count, sizeof *out->ranges, compare_ranges);
    for (size_t i = 0; i < count; i++) {
        actri_proto_range_t *last = out->range_count == 0 ? NULL : &out->ranges[out->range_count - 1];
        if (last == NULL || out->ranges[i].start > last->end + 1)
            out->ranges[out->range_count++] = out->ranges[i];
        else if (out->ranges[i].end > last->end)
            last->end = out->ranges[i].end;
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return actri_proto_text_compare(*(const actri_proto_text_t *const *)a, *(const actri_proto_text_t *const *)b);
}

static bool take_names(actri_compat_finder_t *finder, const actri_proto_word_t *names, actri_compat_reserved_t *out)
{
    for (const actri_proto_word_t *word = names; word != NULL; word = word->next) out->name_count++;
    out->names = actri_arena_alloc(&finder->report->arena, out->name_count * sizeof *out->names);
    if (out->names == NULL) return false;
    out->name_count = 0;
    for (const actri_proto_word_t *word = names; word != NULL; word = word->next)
        out->names[out->name_count++] = &word->text;
    if (out->name_count > 1) qsort(out->names, out->name_count, sizeof *out->names, compare_names);
    return true;
}

bool actri_compat_reserved(actri_compat_finder_t *finder, const actri_proto_range_t *ranges,
                           const actri_proto_word_t *names, actri_compat_reserved_t *out)
{
    memset(out, 0, sizeof *out);
    return take_ranges(finder, ranges, out) && take_names(finder, names, out);
}

bool actri_compat_covers(const actri_compat_reserved_t *reserved, int64_t start, int64_t end)
{
    size_t low = 0, high = reserved->range_count; /* the first that begins behind start */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reserved->ranges[middle].start > start)
            high = middle;
        else
            low = middle + 1;
    }
    return low > 0 && reserved->ranges[low - 1].end >= end;
}

bool actri_compat_names(const actri_compat_reserved_t *reserved, const char *name)
{
    actri_proto_text_t text = {name, strlen(name)};
    const actri_proto_text_t *key = &text;
    return reserved->name_count > 0 &&
           bsearch(&key, reserved->names, reserved->name_count, sizeof *reserved->names, compare_names) != NULL;
}
