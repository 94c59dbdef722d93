/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call whom: access rules on each path, certificates that bind an identity, what a handler learns of it. */
#include "port/often.h"
#include "scene.h"

#include <sys/stat.h>
#include <unistd.h>

static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL};

/* Answers how sure it is who calls. */
static actr_status_t serve_who(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    static const char *const words[] = {"relayed", "pinned", "local"};
    const char *word = words[actr_ctx_caller_assurance(ctx)];
    (void)request;
    scene_note(s, 'w');
    *reply = (actr_bytes_t){word, strlen(word)};
    return ACTR_OK;
}

static const scene_route_t routes[] = {{"w.Who", serve_who}, {0}};

typedef struct files {
    char folder[64];
    char a[96], b[96];
} files_t;

static void files_make(files_t *files)
{
    (void)snprintf(files->folder, sizeof files->folder, "/tmp/actr-trust-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    (void)snprintf(files->a, sizeof files->a, "%s/a.pem", files->folder);
    (void)snprintf(files->b, sizeof files->b, "%s/b.pem", files->folder);
}

static void files_drop(const files_t *files)
{
    (void)unlink(files->a);
    (void)unlink(files->b);
    assert_int_equal(rmdir(files->folder), 0);
}

static void log_denials(actr_log_level_t level, const char *area, const char *line, void *user)
{
    scene_t *s = user;
    (void)level;
    (void)area;
    if (strstr(line, "acl_denied") == NULL && strstr(line, "refused") == NULL) return;
    actri_lock(&s->n.mutex);
    s->count2++;
    if (strstr(line, "acl_denied") != NULL) (void)snprintf(s->text, sizeof s->text, "%s", line);
    actri_unlock(&s->n.mutex);
}

static void start(scene_t *s, actr_config_t *config)
{
    actr_workload_t workload;
    actr_error_t error = ACTR_ERROR_INIT;
    scene_init(s, routes, NULL, &workload);
    config->log = log_denials;
    config->log_user = s;
    scene_attach(s, config, &workload);
    assert_ok(actr_node_start(s->n.node, &s->n.ref, &error), &error);
}

static void start_with(scene_t *s, const fixture_t *f, const char *name, const char *certificate)
{
    actr_config_t config = fixture_config(f, name);
    config.certificate_path = certificate;
    start(s, &config);
}

static void expect_who(scene_t *from, const actr_dest_t *to, const char *word)
{
    char text[64];
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(scene_call(from, to, "w.Who", "", 0, text, &error), &error);
    assert_string_equal(text, word);
}

static void a_pinned_caller_is_known_as_such(void **state)
{
    (void)state;
    fixture_t f;
    files_t files;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    files_make(&files);
    start_with(&a, &f, "a", files.a);
    actr_trust_t trust = {"acme", "a", 1001, actr_system_fingerprint(a.n.system)};
    actr_acl_principal_t anybody = {0};
    actr_acl_rule_t rule = {
        .allow = true, .principals = &anybody, .principal_count = 1, .assurance = ACTR_ASSURANCE_PINNED};
    actr_config_t config = fixture_config(&f, "b");
    config.trust = &trust;
    config.trust_count = 1;
    config.has_acl = true;
    config.acl_rules = &rule;
    config.acl_rule_count = 1;
    start(&b, &config);
    actr_dest_t to_b = fixture_find(&a.n, "b"), to_a = fixture_find(&b.n, "a");
    expect_who(&a, &to_b, "pinned");
    expect_who(&b, &to_a, "relayed"); /* a binds nobody */
    expect_who(&b, &local, "local");
    scene_t other; /* a type that is not bound is not sure enough for the rule */
    start_with(&other, &f, "c", NULL);
    assert_status(ACTR_STATUS_PERMISSION_DENIED, scene_call(&other, &to_b, "w.Who", "", 0, NULL, &error));
    actri_lock(&b.n.mutex);
    if (strstr(b.text, "rule 1 wants a pinned certificate") == NULL) fail_msg("logged: %s", b.text);
    assert_int_equal(b.count, 2);
    actri_unlock(&b.n.mutex);
    scene_close(&other);
    scene_close(&a);
    start_with(&a, &f, "a", files.a); /* the same certificate after a restart, with another id */
    expect_who(&a, &to_b, "pinned");
    scene_close(&a);
    scene_close(&b);
    files_drop(&files);
    fixture_close(&f);
}

/* However often it asks: so many lines a second say so, all are answered and counted. */
static void a_refused_peer_does_not_fill_the_log(void **state)
{
    enum { MANY = 500 };
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    fixture_open(&f);
    start_with(&a, &f, "a", NULL);
    actr_config_t config = fixture_config(&f, "b");
    config.has_acl = true;
    start(&b, &config);
    actr_dest_t to_b = fixture_find(&a.n, "b");
    int64_t begun = actri_now_ns();
    for (int i = 0; i < MANY; i++) {
        assert_status(ACTR_STATUS_PERMISSION_DENIED, scene_call(&a, &to_b, "w.Who", "", 0, NULL, &error));
    }
    unsigned seconds = (unsigned)((actri_now_ns() - begun) / ACTRI_SECOND) + 2;
    actr_ref_stats(b.n.ref, &stats);
    assert_int_equal(stats.requests_refused, MANY);
    actri_lock(&b.n.mutex);
    unsigned lines = b.count2, most = 2 * (ACTRI_OFTEN_MOST + 1) * seconds; /* why, and what came of it */
    actri_unlock(&b.n.mutex);
    assert_true(lines > 0);
    if (most < MANY) assert_true(lines <= most); /* else the machine is too slow for a flood */
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
}

/* The same type and realm, another certificate: whoever the server says it is, it gets no connection. */
static void an_impostor_gets_no_connection(void **state)
{
    (void)state;
    fixture_t f;
    files_t files;
    scene_t a, b, impostor;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    files_make(&files);
    start_with(&a, &f, "a", files.a);
    char print[96];
    (void)snprintf(print, sizeof print, "%s", actr_system_fingerprint(a.n.system));
    scene_close(&a);
    actr_trust_t trust = {"acme", "a", 1001, print};
    actr_config_t config = fixture_config(&f, "b");
    config.trust = &trust;
    config.trust_count = 1;
    start(&b, &config);
    start_with(&impostor, &f, "a", files.b);
    actr_dest_t to_b = fixture_find(&impostor.n, "b"), to_impostor = fixture_find(&b.n, "a");
    actr_status_t status = scene_call(&impostor, &to_b, "w.Who", "", 3000, NULL, &error);
    assert_true(status == ACTR_STATUS_UNAVAILABLE || status == ACTR_STATUS_TIMEOUT ||
                status == ACTR_STATUS_DELIVERY_UNCERTAIN);
    assert_int_equal(b.count, 0);
    actri_lock(&b.n.mutex);
    assert_non_null(strstr(b.text, "[[trust]]"));
    actri_unlock(&b.n.mutex);
    /* nor does b give itself away to it */
    assert_status(ACTR_STATUS_PERMISSION_DENIED, scene_call(&b, &to_impostor, "w.Who", "", 20000, NULL, &error));
    assert_int_equal(impostor.count, 0);
    scene_close(&impostor);
    start_with(&a, &f, "a", files.a);
    expect_who(&a, &to_b, "pinned");
    scene_close(&a);
    scene_close(&b);
    files_drop(&files);
    fixture_close(&f);
}

/* Configured and empty: nobody may, but the program itself. Tells are refused as well, and nothing is stored. */
static void an_acl_without_rules_denies_all(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    start_with(&a, &f, "a", NULL);
    actr_config_t config = fixture_config(&f, "b");
    config.has_acl = true;
    start(&b, &config);
    actr_dest_t to_b = fixture_find(&a.n, "b");
    assert_ok(actr_ctx_tell_raw(actr_ref_ctx(a.n.ref), &to_b, "w.Who", ACTR_RPC_SIGNAL, (actr_bytes_t){"", 0}, &error),
              &error);
    assert_status(ACTR_STATUS_PERMISSION_DENIED, scene_call(&a, &to_b, "w.Who", "", 0, NULL, &error));
    assert_int_equal(error.remote_code, 400); /* as the reference counts */
    assert_non_null(strstr(error.message, "is not allowed to call"));
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(b.n.ref, &stats);
    assert_int_equal(stats.requests_refused, 2);
    assert_int_equal(stats.mailbox_stored, 0);
    assert_int_equal(stats.requests_handled, 0);
    expect_who(&b, &local, "local");
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pinned_caller_is_known_as_such),
        cmocka_unit_test(a_refused_peer_does_not_fill_the_log),
        cmocka_unit_test(an_impostor_gets_no_connection),
        cmocka_unit_test(an_acl_without_rules_denies_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
