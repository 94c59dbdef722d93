/* SPDX-License-Identifier: Apache-2.0 */
/* The generated source: adapters from untyped to typed, the sorted table, and the client's functions. */
#include "codegen/emit.h"

static void add_serve(text_t *out, const service_t *service, const method_t *m)
{
    const char *p = service->prefix, *s = m->snake;
    if (m->kind != METHOD_UNARY) {
        emit_stream_serve(out, service, m);
        return;
    }
    text_add(out,
             "\nstatic actr_status_t %s_serve_%s(actr_ctx_t *ctx, const void *request, void *reply,\n"
             "    const void *handlers)\n"
             "{\n"
             "    const %s_handlers_t *h = (const %s_handlers_t *)handlers;\n"
             "    if (h->%s == NULL) return ACTR_STATUS_UNKNOWN_ROUTE;\n"
             "    return (h->%s)(ctx, (const %s *)request, (%s *)reply, h->user);\n"
             "}\n",
             p, s, p, p, m->member, m->member, m->request.type, m->response.type);
    text_add(out,
             "\nstatic void %s_deliver_%s(actr_any_fn on_response, actr_status_t status, void *response,\n"
             "    const actr_error_t *error, void *user)\n"
             "{\n"
             "    ((%s_answer_%s_fn)on_response)(status, (%s *)response, error, user);\n"
             "}\n",
             p, s, p, s, m->response.type);
}

static void add_table(text_t *out, const service_t *service)
{
    const char *p = service->prefix;
    if (service->method_count > 0) {
        text_add(out, "\n/* Sorted by route. */\nstatic const actr_method_t %s_methods[] = {\n", p);
        for (size_t i = 0; i < service->method_count; i++) {
            const method_t *m = service->sorted[i];
            if (m->kind != METHOD_UNARY) {
                emit_stream_row(out, service, m);
                continue;
            }
            text_add(out, "    {\"%s\", &%s,\n        &%s, %s,\n        %s_serve_%s, %s_deliver_%s, 0, NULL},\n",
                     m->route, m->request.descriptor, m->response.descriptor, m->payload, p, m->snake, p, m->snake);
        }
        text_add(out, "};\n\nconst actr_service_t %s_descriptor = {\"%s\", %s_methods, %zu};\n", p, service->name, p,
                 service->method_count);
    } else {
        text_add(out, "\nconst actr_service_t %s_descriptor = {\"%s\", NULL, 0};\n", p, service->name);
    }
    text_add(out,
             "\nactr_status_t %s_dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply,\n"
             "    void *handlers)\n"
             "{\n"
             "    return actr_service_dispatch(&%s_descriptor, handlers, ctx, request, reply);\n"
             "}\n"
             "\nactr_workload_t %s_workload(%s_handlers_t *handlers)\n"
             "{\n"
             "    static const actr_service_t *const services[] = {&%s_descriptor};\n"
             "    actr_workload_t workload;\n"
             "    memset(&workload, 0, sizeof workload);\n"
             "    workload.struct_size = sizeof workload;\n"
             "    workload.dispatch = %s_dispatch;\n"
             "    workload.user = handlers;\n"
             "    workload.services = services;\n"
             "    workload.service_count = 1;\n"
             "    return workload;\n"
             "}\n",
             p, p, p, p, p, p);
}

static void add_calls(text_t *out, const service_t *service, const method_t *m)
{
    const char *p = service->prefix, *s = m->snake, *in = m->request.type, *reply = m->response.type;
    if (m->kind != METHOD_UNARY) {
        emit_stream_calls(out, service, m);
        return;
    }
    text_add(out,
             "\nactr_status_t %s_call_%s(actr_ctx_t *ctx, const actr_dest_t *dest,\n"
             "    const %s *request, const actr_call_options_t *options,\n"
             "    %s **response, actr_error_t *error)\n"
             "{\n"
             "    void *message = NULL;\n"
             "    actr_status_t status = actr_method_call(ctx, dest, &%s_methods[%zu], request, options,\n"
             "        &message, error);\n"
             "    *response = (%s *)message;\n"
             "    return status;\n"
             "}\n",
             p, s, in, reply, p, m->index, reply);
    text_add(out,
             "\nactr_status_t %s_start_%s(actr_ctx_t *ctx, const actr_dest_t *dest,\n"
             "    const %s *request, const actr_call_options_t *options,\n"
             "    %s_answer_%s_fn on_response, void *user, actr_error_t *error)\n"
             "{\n"
             "    return actr_method_call_async(ctx, dest, &%s_methods[%zu], request, options,\n"
             "        (actr_any_fn)on_response, user, error);\n"
             "}\n",
             p, s, in, p, s, p, m->index);
    text_add(out,
             "\nactr_status_t %s_tell_%s(actr_ctx_t *ctx, const actr_dest_t *dest,\n"
             "    const %s *request, const actr_call_options_t *options, actr_error_t *error)\n"
             "{\n"
             "    return actr_method_tell(ctx, dest, &%s_methods[%zu], request, options, error);\n"
             "}\n",
             p, s, in, p, m->index);
    text_add(out,
             "\nactr_status_t %s_post_%s(actr_ctx_t *ctx, const actr_dest_t *dest,\n"
             "    const %s *request, const actr_call_options_t *options,\n"
             "    actr_reply_fn on_sent, void *user, actr_error_t *error)\n"
             "{\n"
             "    return actr_method_tell_async(ctx, dest, &%s_methods[%zu], request, options, on_sent, user,\n"
             "        error);\n"
             "}\n",
             p, s, in, p, m->index);
}

void emit_source(text_t *out, const model_t *model)
{
    text_add(out,
             "/* Generated by protoc-gen-actr from %s. Do not edit. */\n"
             "#include \"%s.actr.h\"\n\n"
             "#include <string.h>\n",
             model->file, model->stem);
    for (size_t i = 0; i < model->service_count; i++) {
        const service_t *service = &model->services[i];
        text_add(out, "\n/* ---- %s ---- */\n", service->name);
        for (size_t k = 0; k < service->method_count; k++) add_serve(out, service, &service->methods[k]);
        add_table(out, service);
        for (size_t k = 0; k < service->method_count; k++) add_calls(out, service, &service->methods[k]);
    }
}
