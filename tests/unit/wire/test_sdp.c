/* SPDX-License-Identifier: Apache-2.0 */
/* Session descriptions: the recorded ones are understood; ours have the shape that the reference wants. */
#include "check.h"
#include "vectors.h"

#include "wire/sdp.h"

#include <dirent.h>

#define FINGERPRINT "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"

static actri_sdp_t parse(const char *text)
{
    actri_sdp_t sdp;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_sdp_parse(text, &sdp, &error), &error);
    return sdp;
}

static char *answer_to(const actri_sdp_t *offer, const char *const *candidates, size_t count)
{
    actri_sdp_local_t local = {.session_id = 1,
                               .session_version = 2,
                               .fingerprint = FINGERPRINT,
                               .ufrag = "uuuu",
                               .pwd = "pppppppppppppppppppppp",
                               .ssrc = 77,
                               .candidates = candidates,
                               .candidate_count = count};
    char *text = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_sdp_write_answer(NULL, offer, &local, &text, &error), &error);
    return text;
}

static void test_every_recorded_description_parses(void **state)
{
    (void)state;
    unsigned count = 0;
    DIR *folder = opendir(ACTR_VECTORS "/webrtc/sdp");
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[300];
        if (strstr(entry->d_name, ".sdp") == NULL) continue;
        (void)snprintf(name, sizeof name, "webrtc/sdp/%s", entry->d_name);
        char *text = vector_text(name);
        actri_sdp_t sdp = parse(text);
        assert_int_equal(strlen(sdp.fingerprint), 95);
        assert_true(strlen(sdp.ufrag) >= 4 && strlen(sdp.pwd) >= 22);
        free(text);
        count++;
    }
    (void)closedir(folder);
    print_message("%u descriptions\n", count);
    assert_true(count >= 40);
}

static void test_the_reference_offer(void **state)
{
    (void)state;
    char *text = vector_text("webrtc/sdp/reference-offer.sdp");
    actri_sdp_t offer = parse(text);
    assert_int_equal(offer.section_count, 2);
    assert_int_equal(offer.sections[0].kind, ACTRI_SDP_VIDEO);
    assert_int_equal(offer.sections[1].kind, ACTRI_SDP_DATA);
    assert_string_equal(offer.sections[1].mid, "1");
    assert_int_equal(offer.setup, ACTRI_SETUP_ACTPASS);
    assert_int_equal(offer.sections[0].codec_count, 2);
    assert_string_equal(offer.sections[0].codecs[0].name, "VP8/90000");
    assert_int_equal(offer.max_message_size, 0);
    assert_false(offer.is_actr || offer.credit);
    free(text);
}

/* The lines of `wanted` that must also be in our answer, values that are ours apart (webrtc 14.1). */
static bool is_shape(const char *line)
{
    static const char *const own[] = {"o=", "a=fingerprint", "a=ice-", "a=ssrc", "a=max-message-size", "a=candidate"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (strncmp(line, own[i], strlen(own[i])) == 0) return false;
    }
    return true;
}

static void check_same_shape(const char *wanted, const char *ours, const char *name)
{
    char *copy = strdup(wanted), *rest = NULL;
    const char *at = ours;
    for (char *line = strtok_r(copy, "\r\n", &rest); line != NULL; line = strtok_r(NULL, "\r\n", &rest)) {
        if (!is_shape(line)) continue;
        const char *found = strstr(at, line);
        if (found == NULL) fail_msg("%s: our answer lacks \"%s\" behind what came before:\n%s", name, line, ours);
        at = found;
    }
    free(copy);
}

static void test_answers_have_the_shape_of_the_references(void **state)
{
    (void)state;
    static const char *const cases[] = {"data-only",      "video-data",     "video-audio-data", "video-inactive",
                                        "video-recvonly", "video-sendonly", "vp8-h264-data",    "vp8-pt120"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[100];
        (void)snprintf(name, sizeof name, "webrtc/sdp/foreign-offer-%s.sdp", cases[i]);
        char *text = vector_text(name);
        actri_sdp_t offer = parse(text);
        char *ours = answer_to(&offer, NULL, 0);
        (void)snprintf(name, sizeof name, "webrtc/sdp/reference-answer-%s.sdp", cases[i]);
        char *wanted = vector_text(name);
        check_same_shape(wanted, ours, cases[i]);
        actri_sdp_t again = parse(strstr(ours, "v=0"));
        assert_int_equal(again.section_count, offer.section_count);
        free(text);
        free(ours);
        free(wanted);
    }
}

/* The reference answers in the newer form; we mirror the section's, as RFC 8841 asks. */
static void test_an_old_sctpmap_is_answered_with_one(void **state)
{
    (void)state;
    char *text = vector_text("webrtc/sdp/foreign-offer-sctpmap.sdp");
    actri_sdp_t offer = parse(text);
    char *ours = answer_to(&offer, NULL, 0);
    assert_non_null(strstr(ours, "m=application 9 DTLS/SCTP 5000\r\n"));
    assert_non_null(strstr(ours, "a=sctpmap:5000 webrtc-datachannel"));
    free(text);
    free(ours);
}

static void test_our_offer_has_the_shape_of_the_references(void **state)
{
    (void)state;
    char *wanted = vector_text("webrtc/sdp/reference-offer.sdp"), *ours = NULL;
    actri_sdp_local_t local = {.session_id = 1,
                               .session_version = 2,
                               .ufrag = "uuuu",
                               .pwd = "pppppppppppppppppppppp",
                               .ssrc = 77,
                               .fingerprint = FINGERPRINT};
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_sdp_write_offer(NULL, &local, &ours, &error), &error);
    check_same_shape(wanted, ours, "offer");
    actri_sdp_t again = parse(ours);
    assert_true(again.is_actr && again.credit);
    static const struct {
        const char *words;
        bool credit;
    } cases[] = {{"1", false}, {"1 credit", true}, {"2 x credit y", true}, {"1 credits", false}, {"1 nocredit", false}};
    char *at = strstr(ours, "x-actr:") + strlen("x-actr:");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = malloc(strlen(ours) + 40);
        assert_non_null(text);
        (void)sprintf(text, "%.*s%s%s", (int)(at - ours), ours, cases[i].words, strstr(at, "\r\n"));
        again = parse(text);
        assert_true(again.is_actr);
        assert_int_equal(again.credit, cases[i].credit);
        free(text);
    }
    assert_int_equal(again.max_message_size, 65535);
    assert_string_equal(again.fingerprint, local.fingerprint);
    free(wanted);
    free(ours);
}

static void test_candidates_inside_the_answer(void **state)
{
    (void)state;
    static const char *const candidates[] = {"candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host",
                                             "candidate:2 1 udp 2130706431 192.0.2.8 5000 typ host"};
    char *text = vector_text("webrtc/sdp/reference-offer.sdp");
    actri_sdp_t offer = parse(text);
    free(text);
    char *ours = answer_to(&offer, candidates, 2);
    assert_non_null(strstr(ours, "a=candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host\r\n"));
    assert_non_null(strstr(ours, "a=candidate:2 "));
    free(ours);
}

static void test_what_is_missing_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *line, *word;
    } cases[] = {{"a=fingerprint", "fingerprint"},
                 {"a=ice-ufrag", "ice-ufrag"},
                 {"a=ice-pwd", "ice-pwd"},
                 {"a=setup", "setup"},
                 {"m=application", "application"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = vector_text("webrtc/sdp/foreign-offer-data-only.sdp"), *at;
        while ((at = strstr(text, cases[i].line)) != NULL) at[0] = 'x'; /* an unknown line, skipped */
        actri_sdp_t sdp;
        actr_error_t error = ACTR_ERROR_INIT;
        assert_status(ACTR_STATUS_WIRE_PROTOCOL, actri_sdp_parse(text, &sdp, &error));
        assert_non_null(strstr(error.message, cases[i].word));
        free(text);
    }
    actri_sdp_t sdp;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_WIRE_PROTOCOL, actri_sdp_parse("", &sdp, &error));
    assert_status(ACTR_STATUS_WIRE_PROTOCOL, actri_sdp_parse(NULL, &sdp, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_recorded_description_parses),
        cmocka_unit_test(test_the_reference_offer),
        cmocka_unit_test(test_answers_have_the_shape_of_the_references),
        cmocka_unit_test(test_an_old_sctpmap_is_answered_with_one),
        cmocka_unit_test(test_our_offer_has_the_shape_of_the_references),
        cmocka_unit_test(test_candidates_inside_the_answer),
        cmocka_unit_test(test_what_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
