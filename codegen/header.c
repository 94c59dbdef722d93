/* SPDX-License-Identifier: Apache-2.0 */
/* The generated header: what a user of the service reads. */
#include "codegen/emit.h"

#include <string.h>

/* Lines of a .proto's comment, inside a comment of C: neither end nor begin of one may stand in it. */
static void add_comment_line(text_t *out, const char *line, size_t size)
{
    while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\r')) size--;
    for (size_t i = 0; i < size; i++) {
        text_bytes(out, &line[i], 1);
        bool mark = i + 1 < size && ((line[i] == '*' && line[i + 1] == '/') || (line[i] == '/' && line[i + 1] == '*'));
        if (mark) text_bytes(out, " ", 1);
    }
}

static void add_comment(text_t *out, const char *indent, const char *comment)
{
    if (comment == NULL) return;
    size_t first = strcspn(comment, "\n");
    if (comment[first] == '\0' || comment[first + 1] == '\0') {
        text_add(out, comment[0] == ' ' ? "%s/*" : "%s/* ", indent);
        add_comment_line(out, comment, first);
        text_bytes(out, " */\n", 4);
        return;
    }
    text_add(out, "%s/*\n", indent);
    while (*comment != '\0') {
        size_t size = strcspn(comment, "\n");
        text_add(out, "%s *", indent);
        if (size > 0 && comment[0] != ' ') text_bytes(out, " ", 1);
        add_comment_line(out, comment, size);
        text_bytes(out, "\n", 1);
        comment += size + (comment[size] == '\n');
    }
    text_add(out, "%s */\n", indent);
}

static void add_handlers(text_t *out, const service_t *service)
{
    const char *p = service->prefix;
    text_add(out, "\n/* ---- %s ---- */\n\n", service->name);
    add_comment(out, "", service->comment);
    text_add(
        out,
        "/*\n"
        " * Handlers of %s, one a method; NULL: the route is unknown. A handler gets `user`, fills *reply, which is\n"
        " * initialised, and returns ACTR_OK, or says why not (actr_ctx_fail). What it puts into *reply must live "
        "until\n"
        " * the reply is sent: actr_ctx_alloc, actr_ctx_printf. *request lives as long.\n"
        " */\n"
        "typedef struct %s_handlers {\n",
        service->name, p);
    for (size_t i = 0; i < service->method_count; i++) {
        const method_t *m = &service->methods[i];
        add_comment(out, "    ", m->comment);
        if (m->kind != METHOD_UNARY) {
            emit_stream_member(out, m);
            continue;
        }
        text_add(out, "    actr_status_t (*%s)(actr_ctx_t *ctx, const %s *request, %s *reply,\n        void *user);\n",
                 m->member, m->request.type, m->response.type);
    }
    text_add(
        out,
        "    void *user;\n"
        "} %s_handlers_t;\n\n"
        "extern const actr_service_t %s_descriptor;\n\n"
        "/* For actr_workload_t.dispatch, with the handlers as its user. */\n"
        "actr_status_t %s_dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply,\n"
        "    void *handlers);\n\n"
        "/* A workload that serves with these handlers, which must outlive the node; its hooks get them as user. */\n"
        "actr_workload_t %s_workload(%s_handlers_t *handlers);\n",
        p, p, p, p, p);
}

static void add_calls(text_t *out, const service_t *service, const method_t *m)
{
    const char *p = service->prefix, *s = m->snake, *in = m->request.type, *reply = m->response.type;
    text_add(out, "\n");
    add_comment(out, "", m->comment);
    if (m->kind != METHOD_UNARY) {
        emit_stream_header(out, service, m);
        return;
    }
    text_add(out,
             "/* Calls %s and waits. After ACTR_OK *response is the caller's: free it with actr_message_free. */\n"
             "ACTR_MUST_CHECK actr_status_t %s_call_%s(actr_ctx_t *ctx, const actr_dest_t *dest,\n"
             "    const %s *request, const actr_call_options_t *options,\n"
             "    %s **response, actr_error_t *error);\n",
             m->route, p, s, in, reply);
    text_add(out,
             "/* The end of a call that was started; response is NULL unless status is ACTR_OK, and the callee's. */\n"
             "typedef void (*%s_answer_%s_fn)(actr_status_t status, %s *response,\n"
             "    const actr_error_t *error, void *user);\n"
             "ACTR_MUST_CHECK actr_status_t %s_start_%s(actr_ctx_t *ctx, const actr_dest_t *dest,\n"
             "    const %s *request, const actr_call_options_t *options,\n"
             "    %s_answer_%s_fn on_response, void *user, actr_error_t *error);\n",
             p, s, reply, p, s, in, p, s);
    text_add(out,
             "/* Sends the request, asks for no answer, and waits until it is on its way. */\n"
             "ACTR_MUST_CHECK actr_status_t %s_tell_%s(actr_ctx_t *ctx, const actr_dest_t *dest,\n"
             "    const %s *request, const actr_call_options_t *options, actr_error_t *error);\n"
             "/* The same without waiting; on_sent, which may be NULL, is told whether it went. */\n"
             "ACTR_MUST_CHECK actr_status_t %s_post_%s(actr_ctx_t *ctx, const actr_dest_t *dest,\n"
             "    const %s *request, const actr_call_options_t *options,\n"
             "    actr_reply_fn on_sent, void *user, actr_error_t *error);\n",
             p, s, in, p, s, in);
}

static void add_cpp(text_t *out, const service_t *service)
{
    for (size_t i = 0; i < service->method_count; i++) {
        const method_t *m = &service->methods[i];
        text_add(out,
                 "\nstruct %s_method_%s {\n"
                 "    using request = %s;\n"
                 "    using response = %s;\n"
                 "    static constexpr unsigned kind = %u;\n"
                 "    static const actr_method_t &method() noexcept { return %s_descriptor.methods[%zu]; }\n"
                 "};\n",
                 service->prefix, m->snake, m->request.type, m->response.type, m->kind, service->prefix, m->index);
    }
}

static bool has_streams(const model_t *model)
{
    for (size_t i = 0; i < model->service_count; i++) {
        if (model->services[i].streams) return true;
    }
    return false;
}

void emit_header(text_t *out, const model_t *model)
{
    text_add(out,
             "/* Generated by protoc-gen-actr from %s. Do not edit. */\n"
             "#ifndef %s\n#define %s\n\n"
             "#include \"%s.pb-c.h\"\n\n"
             "#include <actr/actr.h>\n#include <actr/service.h>\n%s\n"
             "#ifdef __cplusplus\nextern \"C\" {\n#endif\n",
             model->file, model->guard, model->guard, model->stem,
             has_streams(model) ? "#include <actr/method_stream.h>\n" : "");
    for (size_t i = 0; i < model->service_count; i++) {
        const service_t *service = &model->services[i];
        add_handlers(out, service);
        for (size_t k = 0; k < service->method_count; k++) add_calls(out, service, &service->methods[k]);
    }
    text_add(out, "\n#ifdef __cplusplus\n}\n\n/* For <actr/actr.hpp>: the types of each method. */\n");
    for (size_t i = 0; i < model->service_count; i++) add_cpp(out, &model->services[i]);
    text_add(out, "#endif\n\n#endif\n");
}
