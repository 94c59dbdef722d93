/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "signaling/url.h"

#include <string.h>

static void check(const char *text, bool tls, const char *host, unsigned port, const char *authority,
                  const char *target, bool loopback)
{
    actri_ws_url_t url;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_ws_url_parse(NULL, text, &url, &error), &error);
    assert_int_equal(tls, url.tls);
    assert_string_equal(host, url.host);
    assert_int_equal(port, url.port);
    assert_string_equal(authority, url.authority);
    assert_string_equal(target, url.target);
    assert_int_equal(loopback, actri_ws_url_is_loopback(&url));
    actri_ws_url_clear(NULL, &url);
}

static void takes_urls_apart(void **state)
{
    (void)state;
    check("ws://localhost:8081/signaling/ws", false, "localhost", 8081, "localhost:8081", "/signaling/ws", true);
    check("wss://signal.example", true, "signal.example", 443, "signal.example", "/", false);
    check("ws://127.9.9.9", false, "127.9.9.9", 80, "127.9.9.9", "/", true);
    check("WS://[::1]:90/a?b=c#d", false, "::1", 90, "[::1]:90", "/a?b=c", true);
    check("ws://[2001:db8::1]/", false, "2001:db8::1", 80, "[2001:db8::1]", "/", false);
    check("ws://host?x=1", false, "host", 80, "host", "/?x=1", false);
    check("ws://10.0.0.1:65535//double", false, "10.0.0.1", 65535, "10.0.0.1:65535", "//double", false);
}

static void refuses_what_is_no_url(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          "http://a/", "ws://",        "ws:///path",  "ws://a:0/",  "ws://a:65536",
        "ws://a:b",  "ws://[::1", "ws://[::1]x/", "ws://u:p@a/", "ws://a/b c", "ws://a/\r\nX: y",
        "ws://:80/", "localhost", "ws://[]/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        actri_ws_url_t url;
        actr_error_t error = ACTR_ERROR_INIT;
        assert_status(ACTR_STATUS_CONFIG_INVALID, actri_ws_url_parse(NULL, bad[i], &url, &error));
        assert_true(strlen(error.message) > 20);
        actri_ws_url_clear(NULL, &url);
    }
}

static void rule_15_the_url_is_used_as_it_is(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"ws://a/x/", "", "/x/"},
        {"ws://a/x", "actor_id=1", "/x?actor_id=1"},
        {"ws://a/x?k=v", "actor_id=1", "/x?k=v&actor_id=1"},
        {"ws://a", "actor_id=1", "/?actor_id=1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        actri_ws_url_t url;
        actr_error_t error = ACTR_ERROR_INIT;
        assert_ok(actri_ws_url_parse(NULL, cases[i][0], &url, &error), &error);
        char *target = actri_ws_url_target(NULL, &url, cases[i][1]);
        assert_string_equal(cases[i][2], target);
        actri_free(NULL, target);
        actri_ws_url_clear(NULL, &url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_urls_apart),
        cmocka_unit_test(refuses_what_is_no_url),
        cmocka_unit_test(rule_15_the_url_is_used_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
