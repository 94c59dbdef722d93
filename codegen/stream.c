/* SPDX-License-Identifier: Apache-2.0 */
/* What is generated for a streaming method: typed functions over actr/method_stream.h. */
#include "codegen/emit.h"

static bool client_streams(const method_t *m)
{
    return (m->kind & METHOD_CLIENT) != 0;
}

void emit_stream_member(text_t *out, const method_t *m)
{
    if (client_streams(m)) {
        text_add(out, "    actr_status_t (*%s)(actr_ctx_t *ctx, actr_method_stream_t *stream, void *user);\n",
                 m->member);
        return;
    }
    text_add(out,
             "    actr_status_t (*%s)(actr_ctx_t *ctx, const %s *request,\n"
             "        actr_method_stream_t *stream, void *user);\n",
             m->member, m->request.type);
}

/* The open function without its end: ; or {. */
static void add_open(text_t *out, const service_t *service, const method_t *m)
{
    const char *p = service->prefix, *s = m->snake;
    text_add(out, "actr_status_t %s_open_%s(actr_ctx_t *ctx, const actr_dest_t *dest,\n", p, s);
    if (!client_streams(m)) text_add(out, "    const %s *request,\n", m->request.type);
    text_add(out,
             "    const actr_call_options_t *options, %s_answer_%s_fn on_message,\n"
             "    const actr_method_events_t *events, void *user, actr_method_stream_t **stream,\n"
             "    actr_error_t *error)",
             p, s);
}

static void add_listen(text_t *out, const service_t *service, const method_t *m)
{
    const char *p = service->prefix, *s = m->snake;
    text_add(out, "actr_status_t %s_listen_%s(actr_method_stream_t *stream,\n", p, s);
    if (client_streams(m)) text_add(out, "    %s_take_%s_fn on_message,\n", p, s);
    text_add(out, "    const actr_method_events_t *events, void *user, actr_error_t *error)");
}

/* verb: send, a caller's; reply, a callee's. */
static void add_send(text_t *out, const service_t *service, const method_t *m, const char *verb)
{
    text_add(out, "actr_status_t %s_%s_%s(actr_method_stream_t *stream,\n    const %s *message, actr_error_t *error)",
             service->prefix, verb, m->snake, verb[0] == 's' ? m->request.type : m->response.type);
}

void emit_stream_header(text_t *out, const service_t *service, const method_t *m)
{
    const char *p = service->prefix, *s = m->snake;
    text_add(out,
             "/* Begins %s; on_message gets what the callee sends. The messages are borrowed. */\n"
             "typedef void (*%s_answer_%s_fn)(actr_method_stream_t *stream, const %s *message,\n"
             "    void *user);\n"
             "ACTR_MUST_CHECK ",
             m->route, p, s, m->response.type);
    add_open(out, service, m);
    if (client_streams(m)) {
        text_add(out, ";\n/* The caller's next message; actr_method_stream_end says that there are no more. */\n"
                      "ACTR_MUST_CHECK ");
        add_send(out, service, m, "send");
    }
    text_add(out, ";\n/* In the handler: who is told %s. */\n",
             client_streams(m) ? "the caller's messages, and the end" : "the end");
    if (client_streams(m)) {
        text_add(out,
                 "typedef void (*%s_take_%s_fn)(actr_method_stream_t *stream, const %s *message,\n    void *user);\n",
                 p, s, m->request.type);
    }
    text_add(out, "ACTR_MUST_CHECK ");
    add_listen(out, service, m);
    text_add(out, ";\n/* %s */\nACTR_MUST_CHECK ",
             m->kind == METHOD_CLIENT ? "The callee's one message, which ends the call."
                                      : "The callee's next message; actr_method_stream_end ends the call.");
    add_send(out, service, m, "reply");
    text_add(out, ";\n");
}

static void add_adapter(text_t *out, const service_t *service, const method_t *m, const char *fn, const char *type)
{
    const char *p = service->prefix, *s = m->snake;
    text_add(out,
             "\nstatic void %s_adapt_%s_%s(actr_any_fn on_message, actr_method_stream_t *stream,\n"
             "    const void *message, void *user)\n"
             "{\n"
             "    ((%s_%s_%s_fn)on_message)(stream, (const %s *)message, user);\n"
             "}\n",
             p, fn, s, p, fn, s, type);
}

void emit_stream_serve(text_t *out, const service_t *service, const method_t *m)
{
    const char *p = service->prefix, *s = m->snake;
    text_add(out,
             "\nstatic actr_status_t %s_serve_%s(actr_ctx_t *ctx, const void *request, void *stream,\n"
             "    const void *handlers)\n"
             "{\n"
             "    const %s_handlers_t *h = (const %s_handlers_t *)handlers;\n"
             "    if (h->%s == NULL) return ACTR_STATUS_UNKNOWN_ROUTE;\n",
             p, s, p, p, m->member);
    if (client_streams(m)) {
        text_add(out,
                 "    (void)request;\n"
                 "    return (h->%s)(ctx, (actr_method_stream_t *)stream, h->user);\n}\n",
                 m->member);
        add_adapter(out, service, m, "take", m->request.type);
    } else {
        text_add(out,
                 "    return (h->%s)(ctx, (const %s *)request, (actr_method_stream_t *)stream,\n"
                 "        h->user);\n}\n",
                 m->member, m->request.type);
    }
    add_adapter(out, service, m, "answer", m->response.type);
    text_add(out, "\nstatic const actr_method_adapters_t %s_adapters_%s = {%s_adapt_answer_%s,\n    ", p, s, p, s);
    if (client_streams(m))
        text_add(out, "%s_adapt_take_%s};\n", p, s);
    else
        text_add(out, "NULL};\n");
}

void emit_stream_row(text_t *out, const service_t *service, const method_t *m)
{
    const char *p = service->prefix, *s = m->snake;
    text_add(out, "    {\"%s\", &%s,\n        &%s, %s,\n        %s_serve_%s, NULL, %u, &%s_adapters_%s},\n", m->route,
             m->request.descriptor, m->response.descriptor, m->payload, p, s, m->kind, p, s);
}

static void add_send_body(text_t *out, const service_t *service, const method_t *m, const char *verb)
{
    text_add(out, "\n");
    add_send(out, service, m, verb);
    text_add(out, "\n{\n    return actr_method_stream_send(stream, message, error);\n}\n");
}

void emit_stream_calls(text_t *out, const service_t *service, const method_t *m)
{
    text_add(out, "\n");
    add_open(out, service, m);
    text_add(out,
             "\n{\n"
             "    return actr_method_open(ctx, dest, &%s_methods[%zu], %s, options,\n"
             "        (actr_any_fn)on_message, events, user, stream, error);\n"
             "}\n\n",
             service->prefix, m->index, client_streams(m) ? "NULL" : "request");
    add_listen(out, service, m);
    text_add(out,
             "\n{\n"
             "    return actr_method_stream_listen(stream, %s, events, user, error);\n"
             "}\n",
             client_streams(m) ? "(actr_any_fn)on_message" : "NULL");
    if (client_streams(m)) add_send_body(out, service, m, "send");
    add_send_body(out, service, m, "reply");
}
