/* SPDX-License-Identifier: Apache-2.0 */
/* From a request of protoc to the files of each .proto that is to be generated. */
#include "codegen/generate.h"

#include "codegen/emit.h"

#include <string.h>

/* protoc leaves no name out; whoever else speaks to a plugin might. */
static bool messages_have_names(Pb__Message *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i]->name == NULL || !messages_have_names(list[i]->nested_type, list[i]->n_nested_type)) return false;
    }
    return true;
}

static bool service_has_names(const Pb__Service *service)
{
    if (service->name == NULL) return false;
    for (size_t i = 0; i < service->n_method; i++) {
        const Pb__Method *method = service->method[i];
        if (method->name == NULL || method->input_type == NULL || method->output_type == NULL) return false;
    }
    return true;
}

static bool has_names(const Pb__Request *request)
{
    for (size_t i = 0; i < request->n_proto_file; i++) {
        const Pb__FileDescriptor *file = request->proto_file[i];
        if (file->name == NULL || !messages_have_names(file->message_type, file->n_message_type)) return false;
        for (size_t k = 0; k < file->n_service; k++) {
            if (!service_has_names(file->service[k])) return false;
        }
    }
    return true;
}

static const Pb__FileDescriptor *find_file(const Pb__Request *request, const char *name)
{
    for (size_t i = 0; i < request->n_proto_file; i++) {
        if (strcmp(request->proto_file[i]->name, name) == 0) return request->proto_file[i];
    }
    return NULL;
}

static bool add_file(actri_arena_t *arena, Pb__Response *response, const char *name, const text_t *content)
{
    Pb__Response__File *file = actri_arena_alloc(arena, sizeof *file);
    if (file == NULL || arena->failed) return false;
    pb__response__file__init(file);
    file->name = text_print(arena, "%s", name);
    file->content = content->data;
    response->file[response->n_file++] = file;
    return true;
}

static bool generate_file(actri_arena_t *arena, const Pb__Request *request, const char *name, Pb__Response *response,
                          actr_error_t *error)
{
    model_t model;
    text_t header = {.arena = arena}, source = {.arena = arena};
    const Pb__FileDescriptor *file = find_file(request, name);
    if (file == NULL) {
        (void)actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s is to be generated and is not in the request", name);
        return false;
    }
    if (!model_make(arena, request, file, &model, error)) return false;
    emit_header(&header, &model);
    emit_source(&source, &model);
    return add_file(arena, response, text_print(arena, "%s.actr.h", model.stem), &header) &&
           add_file(arena, response, text_print(arena, "%s.actr.c", model.stem), &source);
}

bool generate_services(actri_arena_t *arena, const Pb__Request *request, Pb__Response *response, actr_error_t *error)
{
    if (!has_names(request)) {
        (void)actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the request leaves out the name of something");
        return false;
    }
    response->file = actri_arena_alloc(arena, (2 * request->n_file_to_generate + 1) * sizeof(Pb__Response__File *));
    for (size_t i = 0; response->file != NULL && i < request->n_file_to_generate; i++) {
        if (!generate_file(arena, request, request->file_to_generate[i], response, error) && !arena->failed) {
            response->n_file = 0;
            return false;
        }
    }
    if (!arena->failed) return true;
    (void)actri_no_memory(error);
    response->n_file = 0;
    return false;
}

bool generate_parse(const char *parameter, generate_options_t *options, actr_error_t *error)
{
    *options = (generate_options_t){false};
    while (parameter != NULL && *parameter != '\0') {
        size_t size = strcspn(parameter, ",");
        if (size == 8 && strncmp(parameter, "messages", 8) == 0) {
            options->messages = true;
        } else if (size > 0) {
            (void)actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT,
                             "there is no parameter \"%.*s\"; there is: messages (protobuf-c's files too)", (int)size,
                             parameter);
            return false;
        }
        parameter += size + (parameter[size] == ',');
    }
    return true;
}
