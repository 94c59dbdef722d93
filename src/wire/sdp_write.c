/* SPDX-License-Identifier: Apache-2.0 */
/* Writing our offer and our answers, line by line as the reference writes its own. */
#include "wire/sdp.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_MESSAGE_SIZE 65535

typedef struct writer {
    char text[16384];
    size_t size;
    bool full;
} writer_t;

static void put(writer_t *w, const char *format, ...) ACTR_PRINTF(2, 3);

/* One line; CRLF is added. */
static void put(writer_t *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t room = sizeof w->text - w->size;
    int size = vsnprintf(w->text + w->size, room, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size + 3 > room) {
        w->full = true;
        return;
    }
    w->size += (size_t)size;
    memcpy(w->text + w->size, "\r\n", 3);
    w->size += 2;
}

static void put_session(writer_t *w, const actri_sdp_local_t *local, const char *mids, bool allow_mixed)
{
    put(w, "v=0");
    put(w, "o=- %" PRIu64 " %" PRIu64 " IN IP4 0.0.0.0", local->session_id, local->session_version);
    put(w, "s=-");
    put(w, "t=0 0");
    put(w, "a=fingerprint:sha-256 %s", local->fingerprint);
    put(w, "a=group:BUNDLE%s", mids);
    if (allow_mixed) put(w, "a=extmap-allow-mixed");
    put(w, "a=x-actr:1 credit");
}

static void put_credentials(writer_t *w, const actri_sdp_local_t *local)
{
    put(w, "a=ice-ufrag:%s", local->ufrag);
    put(w, "a=ice-pwd:%s", local->pwd);
}

static void put_candidates(writer_t *w, const actri_sdp_local_t *local)
{
    for (size_t i = 0; i < local->candidate_count; i++) put(w, "a=%s", local->candidates[i]);
}

static void put_track(writer_t *w, uint32_t ssrc)
{
    put(w, "a=ssrc:%" PRIu32 " cname:actr-video", ssrc);
    put(w, "a=ssrc:%" PRIu32 " msid:actr-video video-track-1", ssrc);
    put(w, "a=ssrc:%" PRIu32 " mslabel:actr-video", ssrc);
    put(w, "a=ssrc:%" PRIu32 " label:video-track-1", ssrc);
    put(w, "a=msid:actr-video video-track-1");
}

static actr_status_t finish(const actri_env_t *env, writer_t *w, char **out, actr_error_t *error)
{
    if (w->full)
        return actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "SDP: ours does not fit %zu bytes", sizeof w->text);
    *out = actri_strndup(env, w->text, w->size);
    return *out == NULL ? actri_no_memory(error) : ACTR_OK;
}

actr_status_t actri_sdp_write_offer(const actri_env_t *env, const actri_sdp_local_t *local, char **out,
                                    actr_error_t *error)
{
    writer_t w = {.size = 0};
    put_session(&w, local, " 0 1", true);
    put(&w, "m=video 9 UDP/TLS/RTP/SAVPF 96 102");
    put(&w, "c=IN IP4 0.0.0.0");
    put(&w, "a=setup:actpass");
    put(&w, "a=mid:0");
    put_credentials(&w, local);
    put(&w, "a=rtcp-mux");
    put(&w, "a=rtcp-rsize");
    put(&w, "a=rtpmap:96 VP8/90000");
    put(&w, "a=rtpmap:102 H264/90000");
    put(&w, "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
    put_track(&w, local->ssrc);
    put(&w, "a=sendrecv");
    put(&w, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
    put(&w, "c=IN IP4 0.0.0.0");
    put(&w, "a=setup:actpass");
    put(&w, "a=mid:1");
    put(&w, "a=sendrecv");
    put(&w, "a=sctp-port:5000");
    put(&w, "a=max-message-size:%d", MAX_MESSAGE_SIZE);
    put_credentials(&w, local);
    put_candidates(&w, local);
    return finish(env, &w, out, error);
}

static const char *mirror(actri_sdp_direction_t offered, actri_sdp_kind_t kind)
{
    bool sends = kind == ACTRI_SDP_VIDEO; /* the one track that we have */
    switch (offered) {
    case ACTRI_SDP_SENDONLY: return "recvonly";
    case ACTRI_SDP_RECVONLY: return sends ? "sendonly" : "inactive";
    case ACTRI_SDP_INACTIVE: return "inactive";
    default: return sends ? "sendrecv" : "recvonly";
    }
}

static void answer_media(writer_t *w, const actri_sdp_section_t *s, const actri_sdp_local_t *local, const char *setup)
{
    char formats[128] = "";
    size_t size = 0;
    for (size_t i = 0; i < s->codec_count; i++) {
        size += (size_t)snprintf(formats + size, sizeof formats - size, " %u", s->codecs[i].payload_type);
    }
    put(w, "m=%s 9 %s%s", s->media, s->protocol, formats);
    put(w, "c=IN IP4 0.0.0.0");
    put(w, "a=setup:%s", setup);
    put(w, "a=mid:%s", s->mid);
    if (s->extmap_allow_mixed) put(w, "a=extmap-allow-mixed");
    put_credentials(w, local);
    put(w, "a=rtcp-mux");
    put(w, "a=rtcp-rsize");
    for (size_t i = 0; i < s->codec_count; i++) {
        put(w, "a=rtpmap:%u %s", s->codecs[i].payload_type, s->codecs[i].name);
        if (s->codecs[i].fmtp[0] != '\0') put(w, "a=fmtp:%u %s", s->codecs[i].payload_type, s->codecs[i].fmtp);
    }
    const char *direction = mirror(s->direction, s->kind);
    if (strncmp(direction, "send", 4) == 0) put_track(w, local->ssrc);
    put(w, "a=%s", direction);
}

/* A section that we can not use, in the form that the reference accepts (webrtc 14.3: with its rtpmap). */
static void refuse_media(writer_t *w, const actri_sdp_section_t *s, const char *setup, const actri_sdp_local_t *local)
{
    put(w, "m=%s 0 %s %s", s->media, s->protocol, s->formats[0] != '\0' ? s->formats : "0");
    put(w, "c=IN IP4 0.0.0.0");
    put(w, "a=setup:%s", setup);
    put(w, "a=mid:%s", s->mid);
    put_credentials(w, local);
    put(w, "a=inactive");
}

static void answer_data(writer_t *w, const actri_sdp_section_t *s, const actri_sdp_local_t *local, const char *setup)
{
    put(w, "m=application 9 %s %s", s->protocol, s->formats);
    put(w, "c=IN IP4 0.0.0.0");
    put(w, "a=setup:%s", setup);
    put(w, "a=mid:%s", s->mid);
    put(w, "a=sendrecv");
    if (s->old_sctpmap)
        put(w, "a=sctpmap:5000 webrtc-datachannel 1024");
    else
        put(w, "a=sctp-port:5000");
    put(w, "a=max-message-size:%d", MAX_MESSAGE_SIZE);
    put_credentials(w, local);
    put_candidates(w, local);
}

actr_status_t actri_sdp_write_answer(const actri_env_t *env, const actri_sdp_t *offer, const actri_sdp_local_t *local,
                                     char **out, actr_error_t *error)
{
    writer_t w = {.size = 0};
    char mids[512] = "";
    size_t size = 0;
    const char *setup = offer->setup == ACTRI_SETUP_ACTIVE ? "passive" : "active";
    for (size_t i = 0; i < offer->section_count; i++) {
        const actri_sdp_section_t *s = &offer->sections[i];
        bool used = s->kind == ACTRI_SDP_DATA || s->codec_count > 0;
        if (used && size < sizeof mids) size += (size_t)snprintf(mids + size, sizeof mids - size, " %s", s->mid);
    }
    put_session(&w, local, mids, offer->extmap_allow_mixed);
    for (size_t i = 0; i < offer->section_count; i++) {
        const actri_sdp_section_t *s = &offer->sections[i];
        if (s->kind == ACTRI_SDP_DATA)
            answer_data(&w, s, local, setup);
        else if (s->codec_count > 0)
            answer_media(&w, s, local, setup);
        else
            refuse_media(&w, s, setup, local);
    }
    return finish(env, &w, out, error);
}
