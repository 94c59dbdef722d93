/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session descriptions that two actors exchange: what we need from the peer's, and the writing of ours as the
 * reference wants it. Pure. spec: webrtc 14; RFC 8866, 8839, 8841, 9143.
 */
#ifndef ACTRI_SDP_H
#define ACTRI_SDP_H

#include "base/env.h"

#define ACTRI_SDP_SECTIONS 8
#define ACTRI_SDP_FORMATS 16
#define ACTRI_SDP_CANDIDATES 32
#define ACTRI_SDP_SIZE_MAX 65536
#define ACTRI_FINGERPRINT_SIZE 96 /* "AB:..:EF" of sha-256 is 95 characters */

typedef enum actri_sdp_kind { ACTRI_SDP_OTHER = 0, ACTRI_SDP_VIDEO, ACTRI_SDP_AUDIO, ACTRI_SDP_DATA } actri_sdp_kind_t;
typedef enum actri_sdp_setup {
    ACTRI_SETUP_NONE = 0,
    ACTRI_SETUP_ACTPASS,
    ACTRI_SETUP_ACTIVE,
    ACTRI_SETUP_PASSIVE
} actri_sdp_setup_t;
typedef enum actri_sdp_direction {
    ACTRI_SDP_UNSAID = 0,
    ACTRI_SDP_SENDRECV,
    ACTRI_SDP_SENDONLY,
    ACTRI_SDP_RECVONLY,
    ACTRI_SDP_INACTIVE
} actri_sdp_direction_t;

/* One codec of a media section that we know, as the peer numbers it. */
typedef struct actri_sdp_codec {
    unsigned payload_type;
    char name[32]; /* "VP8/90000" */
    char fmtp[128];
} actri_sdp_codec_t;

typedef struct actri_sdp_section {
    actri_sdp_kind_t kind;
    char media[16];    /* "video" */
    char protocol[32]; /* "UDP/TLS/RTP/SAVPF" */
    char mid[64];
    bool extmap_allow_mixed;
    bool old_sctpmap; /* "a=sctpmap" instead of "a=sctp-port" */
    actri_sdp_direction_t direction;
    size_t codec_count;
    actri_sdp_codec_t codecs[ACTRI_SDP_FORMATS]; /* those that we know */
    char formats[128];                           /* as written in the m line */
} actri_sdp_section_t;

typedef struct actri_sdp {
    char ufrag[257], pwd[257];
    char fingerprint[ACTRI_FINGERPRINT_SIZE]; /* upper case */
    actri_sdp_setup_t setup;
    bool extmap_allow_mixed;
    bool is_actr;              /* a libactr node: "a=x-actr:1", and words of what it knows */
    bool credit;               /* one of them: proto/credit.h */
    uint32_t max_message_size; /* 0: not said */
    size_t section_count;
    actri_sdp_section_t sections[ACTRI_SDP_SECTIONS];
    size_t candidate_count;
    char candidates[ACTRI_SDP_CANDIDATES][256]; /* "candidate:..." */
} actri_sdp_t;

/* WIRE_PROTOCOL names what is missing or wrong: application section, fingerprint, ufrag, pwd, setup. */
ACTR_MUST_CHECK actr_status_t actri_sdp_parse(const char *text, actri_sdp_t *out, actr_error_t *error);

/* What is ours in a description. */
typedef struct actri_sdp_local {
    uint64_t session_id, session_version;
    const char *fingerprint, *ufrag, *pwd;
    uint32_t ssrc;                 /* of video-track-1 */
    const char *const *candidates; /* "candidate:..." to be written inside, may be none */
    size_t candidate_count;
} actri_sdp_local_t;

/* The offer of webrtc 14.1. *out is the caller's. */
ACTR_MUST_CHECK actr_status_t actri_sdp_write_offer(const actri_env_t *env, const actri_sdp_local_t *local, char **out,
                                                    actr_error_t *error);
/* The answer to `offer`: its sections and mids mirrored; setup active unless the offer says active. */
ACTR_MUST_CHECK actr_status_t actri_sdp_write_answer(const actri_env_t *env, const actri_sdp_t *offer,
                                                     const actri_sdp_local_t *local, char **out, actr_error_t *error);

#endif
