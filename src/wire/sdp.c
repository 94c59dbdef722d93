/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a session description: line by line, session attributes until the first m line. */
#include "wire/sdp.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct line {
    char type; /* 'a' of "a=..." */
    const char *value;
    size_t size;
} line_t;

static actr_status_t bad(actr_error_t *error, const char *what)
{
    return actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "SDP: %s", what);
}

/* Takes the next line (CRLF or LF); false at the end. Lines that are not "x=..." come with type 0. */
static bool next_line(const char **at, line_t *line)
{
    if (**at == '\0') return false;
    size_t size = strcspn(*at, "\n");
    const char *start = *at;
    *at += size + (start[size] == '\n' ? 1 : 0);
    while (size > 0 && start[size - 1] == '\r') size--;
    line->type = size >= 2 && start[1] == '=' ? start[0] : '\0';
    line->value = line->type != '\0' ? start + 2 : start;
    line->size = line->type != '\0' ? size - 2 : size;
    return true;
}

/* "name:value" or "name": the value, NULL when it is another attribute. */
static const char *attribute(const line_t *line, const char *name, size_t *size)
{
    size_t length = strlen(name);
    if (line->size < length || strncmp(line->value, name, length) != 0) return NULL;
    if (line->size == length) {
        *size = 0;
        return line->value + length;
    }
    if (line->value[length] != ':') return NULL;
    *size = line->size - length - 1;
    return line->value + length + 1;
}

static bool copy(char *out, size_t room, const char *text, size_t size)
{
    if (size >= room) return false;
    memcpy(out, text, size);
    out[size] = '\0';
    return true;
}

/* Keeps the first value; a later one that differs is an error. */
static bool copy_same(char *out, size_t room, const char *text, size_t size)
{
    if (out[0] != '\0') return strlen(out) == size && memcmp(out, text, size) == 0;
    return copy(out, room, text, size);
}

static const char *take_fingerprint(actri_sdp_t *sdp, const char *value, size_t size)
{
    static const char method[] = "sha-256 ";
    char text[ACTRI_FINGERPRINT_SIZE];
    if (size < sizeof method || strncasecmp(value, method, sizeof method - 1) != 0) {
        return "the fingerprint is not sha-256";
    }
    value += sizeof method - 1;
    size -= sizeof method - 1;
    while (size > 0 && value[size - 1] == ' ') size--;
    if (size != ACTRI_FINGERPRINT_SIZE - 1) return "the fingerprint has the wrong length";
    for (size_t i = 0; i < size; i++) {
        bool colon = i % 3 == 2;
        if (colon ? value[i] != ':' : !isxdigit((unsigned char)value[i])) return "the fingerprint is not hexadecimal";
        text[i] = (char)toupper((unsigned char)value[i]);
    }
    return copy_same(sdp->fingerprint, sizeof sdp->fingerprint, text, size) ? NULL : "two fingerprints differ";
}

static const char *take_setup(actri_sdp_t *sdp, const char *value, size_t size)
{
    static const char *const names[] = {"", "actpass", "active", "passive"};
    if (sdp->setup != ACTRI_SETUP_NONE) return NULL; /* the first decides (webrtc 14.2) */
    for (unsigned i = 1; i < 4; i++) {
        if (strlen(names[i]) == size && memcmp(names[i], value, size) == 0) sdp->setup = (actri_sdp_setup_t)i;
    }
    return sdp->setup == ACTRI_SETUP_NONE ? "setup is none of actpass, active, passive" : NULL;
}

static void take_candidate(actri_sdp_t *sdp, const line_t *line)
{
    if (sdp->candidate_count == ACTRI_SDP_CANDIDATES) return;
    if (copy(sdp->candidates[sdp->candidate_count], sizeof sdp->candidates[0], line->value, line->size)) {
        sdp->candidate_count++;
    }
}

/* Attributes that may stand at session level and in a section; NULL or what is wrong. */
static const char *take_common(actri_sdp_t *sdp, const line_t *line)
{
    const char *value;
    size_t size;
    if ((value = attribute(line, "ice-ufrag", &size)) != NULL) {
        return copy_same(sdp->ufrag, sizeof sdp->ufrag, value, size) ? NULL : "the sections' ice-ufrag differ";
    }
    if ((value = attribute(line, "ice-pwd", &size)) != NULL) {
        return copy_same(sdp->pwd, sizeof sdp->pwd, value, size) ? NULL : "the sections' ice-pwd differ";
    }
    if ((value = attribute(line, "fingerprint", &size)) != NULL) return take_fingerprint(sdp, value, size);
    if ((value = attribute(line, "setup", &size)) != NULL) return take_setup(sdp, value, size);
    if (attribute(line, "candidate", &size) != NULL) take_candidate(sdp, line);
    return NULL;
}

static void take_direction(actri_sdp_section_t *section, const line_t *line)
{
    static const char *const names[] = {"", "sendrecv", "sendonly", "recvonly", "inactive"};
    for (unsigned i = 1; i < 5; i++) {
        if (strlen(names[i]) == line->size && memcmp(names[i], line->value, line->size) == 0) {
            section->direction = (actri_sdp_direction_t)i;
        }
    }
}

static bool same_word(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

/* The codecs of the reference (webrtc 9.1). */
static bool known_codec(actri_sdp_kind_t kind, const char *name)
{
    if (kind == ACTRI_SDP_VIDEO) return same_word(name, "VP8/90000") || same_word(name, "H264/90000");
    return kind == ACTRI_SDP_AUDIO && same_word(name, "opus/48000/2");
}

static bool in_formats(const actri_sdp_section_t *section, unsigned payload_type)
{
    const char *at = section->formats;
    while (*at != '\0') {
        char *end;
        unsigned long number = strtoul(at, &end, 10);
        if (end == at) return false;
        if (number == payload_type) return true;
        at = end + strspn(end, " ");
    }
    return false;
}

static void take_rtpmap(actri_sdp_section_t *section, const char *value, size_t size)
{
    char text[64], *name;
    if (!copy(text, sizeof text, value, size)) return;
    unsigned long payload_type = strtoul(text, &name, 10);
    if (name == text || *name != ' ' || payload_type > 127) return;
    name++;
    if (!known_codec(section->kind, name) || section->codec_count == ACTRI_SDP_FORMATS) return;
    if (!in_formats(section, (unsigned)payload_type) || strlen(name) >= sizeof section->codecs[0].name) return;
    actri_sdp_codec_t *codec = &section->codecs[section->codec_count++];
    codec->payload_type = (unsigned)payload_type;
    (void)snprintf(codec->name, sizeof codec->name, "%s", name);
}

static void take_fmtp(actri_sdp_section_t *section, const char *value, size_t size)
{
    char text[160], *rest;
    if (!copy(text, sizeof text, value, size)) return;
    unsigned long payload_type = strtoul(text, &rest, 10);
    if (*rest != ' ') return;
    for (size_t i = 0; i < section->codec_count; i++) {
        actri_sdp_codec_t *codec = &section->codecs[i];
        if (codec->payload_type == payload_type)
            (void)copy(codec->fmtp, sizeof codec->fmtp, rest + 1, strlen(rest + 1));
    }
}

static void take_section(actri_sdp_t *sdp, actri_sdp_section_t *section, const line_t *line)
{
    const char *value;
    size_t size;
    take_direction(section, line);
    if ((value = attribute(line, "mid", &size)) != NULL)
        (void)copy(section->mid, sizeof section->mid, value, size);
    else if ((value = attribute(line, "rtpmap", &size)) != NULL)
        take_rtpmap(section, value, size);
    else if ((value = attribute(line, "fmtp", &size)) != NULL)
        take_fmtp(section, value, size);
    else if (attribute(line, "extmap-allow-mixed", &size) != NULL)
        section->extmap_allow_mixed = true;
    else if (attribute(line, "sctpmap", &size) != NULL)
        section->old_sctpmap = true;
    else if ((value = attribute(line, "max-message-size", &size)) != NULL && section->kind == ACTRI_SDP_DATA) {
        sdp->max_message_size = (uint32_t)strtoul(value, NULL, 10); /* ends at the line's end at the latest */
    }
}

static bool has_word(const char *text, size_t size, const char *word)
{
    size_t length = strlen(word);
    for (size_t at = 0; at + length <= size; at++) {
        bool begins = at == 0 || text[at - 1] == ' ', ends = at + length == size || text[at + length] == ' ';
        if (begins && ends && memcmp(text + at, word, length) == 0) return true;
    }
    return false;
}

static void take_session(actri_sdp_t *sdp, const line_t *line)
{
    size_t size;
    if (attribute(line, "extmap-allow-mixed", &size) != NULL) sdp->extmap_allow_mixed = true;
    const char *words = attribute(line, "x-actr", &size);
    if (words == NULL) return;
    sdp->is_actr = true;
    sdp->credit = has_word(words, size, "credit");
}

static actri_sdp_kind_t kind_of(const char *media)
{
    if (strcmp(media, "video") == 0) return ACTRI_SDP_VIDEO;
    if (strcmp(media, "audio") == 0) return ACTRI_SDP_AUDIO;
    return strcmp(media, "application") == 0 ? ACTRI_SDP_DATA : ACTRI_SDP_OTHER;
}

/* "video 9 UDP/TLS/RTP/SAVPF 96 102" */
static const char *begin_section(actri_sdp_t *sdp, const line_t *line)
{
    if (sdp->section_count == ACTRI_SDP_SECTIONS) return "too many media sections";
    actri_sdp_section_t *section = &sdp->sections[sdp->section_count];
    char text[256];
    int formats = 0;
    if (!copy(text, sizeof text, line->value, line->size)) return "a media line is too long";
    if (sscanf(text, "%15s %*15s %31s %n", section->media, section->protocol, &formats) < 2 || formats == 0) {
        return "a media line does not parse";
    }
    (void)snprintf(section->formats, sizeof section->formats, "%.127s", text + formats);
    section->kind = kind_of(section->media);
    sdp->section_count++;
    return NULL;
}

static const char *missing(const actri_sdp_t *sdp)
{
    bool data = false;
    for (size_t i = 0; i < sdp->section_count; i++) data |= sdp->sections[i].kind == ACTRI_SDP_DATA;
    if (!data) return "there is no application section";
    if (sdp->fingerprint[0] == '\0') return "there is no fingerprint";
    if (sdp->ufrag[0] == '\0') return "there is no ice-ufrag";
    if (sdp->pwd[0] == '\0') return "there is no ice-pwd";
    return sdp->setup == ACTRI_SETUP_NONE ? "there is no setup" : NULL;
}

actr_status_t actri_sdp_parse(const char *text, actri_sdp_t *out, actr_error_t *error)
{
    memset(out, 0, sizeof *out);
    if (text == NULL || strnlen(text, ACTRI_SDP_SIZE_MAX) == ACTRI_SDP_SIZE_MAX) return bad(error, "none, or too long");
    line_t line;
    const char *wrong = NULL;
    if (!next_line(&text, &line) || line.type != 'v') return bad(error, "it does not begin with v=");
    while (wrong == NULL && next_line(&text, &line)) {
        if (line.type == 'm') {
            wrong = begin_section(out, &line);
        } else if (line.type == 'a') {
            wrong = take_common(out, &line);
            if (out->section_count == 0)
                take_session(out, &line);
            else
                take_section(out, &out->sections[out->section_count - 1], &line);
        }
    }
    if (wrong == NULL) wrong = missing(out);
    return wrong == NULL ? ACTR_OK : bad(error, wrong);
}
