/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values as text; numbers in their shortest form that reads back the same. Pure. */
#include "cli/contract/pj_walk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct printer {
    actri_text_t *out;
    bool indent;
} printer_t;

static int add_piece(const char *data, size_t size, void *user)
{
    actri_text_add_bytes(user, data, size);
    return 0;
}

static void print_real(actri_text_t *out, double number)
{
    char text[40];
    if (number == 0 && signbit(number)) { /* "-0" would be read as an integer, which has no sign there */
        actri_text_add(out, "-0.0");
        return;
    }
    if (fabs(number) < 1e15 && number == floor(number)) {
        actri_text_add(out, "%.0f", number);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    actri_text_add(out, "%s", text);
}

static void new_line(const printer_t *printer, unsigned level)
{
    if (printer->indent) actri_text_add(printer->out, "\n%*s", (int)(2 * level), "");
}

static void print(const printer_t *printer, const json_t *value, unsigned level);

static void print_key(const printer_t *printer, const char *key)
{
    json_t *text = json_string_nocheck(key);
    if (text == NULL) printer->out->failed = true;
    (void)json_dump_callback(text, add_piece, printer->out, JSON_ENCODE_ANY);
    actri_text_add(printer->out, printer->indent ? ": " : ":");
    json_decref(text);
}

static void print_object(const printer_t *printer, const json_t *value, unsigned level)
{
    bool first = true;
    for (void *at = json_object_iter((json_t *)(uintptr_t)value); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
        if (!first) actri_text_add(printer->out, ",");
        first = false;
        new_line(printer, level + 1);
        print_key(printer, json_object_iter_key(at));
        print(printer, json_object_iter_value(at), level + 1);
    }
    if (!first) new_line(printer, level);
}

static void print_array(const printer_t *printer, const json_t *value, unsigned level)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i > 0) actri_text_add(printer->out, ",");
        new_line(printer, level + 1);
        print(printer, json_array_get(value, i), level + 1);
    }
    if (json_array_size(value) > 0) new_line(printer, level);
}

static void print(const printer_t *printer, const json_t *value, unsigned level)
{
    if (json_is_object(value)) {
        actri_text_add(printer->out, "{");
        print_object(printer, value, level);
        actri_text_add(printer->out, "}");
    } else if (json_is_array(value)) {
        actri_text_add(printer->out, "[");
        print_array(printer, value, level);
        actri_text_add(printer->out, "]");
    } else if (json_is_real(value)) {
        print_real(printer->out, json_real_value(value));
    } else {
        (void)json_dump_callback(value, add_piece, printer->out, JSON_ENCODE_ANY);
    }
}

void pj_print(const json_t *value, bool indent, actri_text_t *out)
{
    printer_t printer = {out, indent};
    print(&printer, value, 0);
}
