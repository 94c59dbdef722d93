/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a signaling client, shared by client.c (public face, thread) and socket.c (libwebsockets). */
#ifndef ACTRI_SIGNALING_CLIENT_STATE_H
#define ACTRI_SIGNALING_CLIENT_STATE_H

#include "base/list.h"
#include "port/clock.h"
#include "port/thread.h"
#include "signaling/lws.h"
#include "signaling/resolve.h"
#include "signaling/session.h"
#include "signaling/url.h"

#define ACTRI_RELAYS_MAX 1000           /* queued, not yet written */
#define ACTRI_QUESTIONS_MAX 256         /* candidates asked for, not yet taken by the thread */
#define ACTRI_OUT_MAX ((size_t)4 << 20) /* bytes of relays, likewise */
#define ACTRI_IN_MAX ((size_t)4 << 20)  /* bytes of one message from the server */

/* One binary message on its way out. */
typedef struct actri_out_frame {
    actri_link_t link;
    bool is_relay;
    size_t size;
    uint8_t bytes[]; /* LWS_PRE, then the message */
} actri_out_frame_t;

/* One socket of libwebsockets. Abandoned when client is NULL: it then only waits for its end. */
typedef struct actri_ws_link {
    actri_link_t link; /* in client->links */
    actri_signaling_t *client;
    struct lws *wsi;
    bool opened, ended, entering; /* entering: inside lws_client_connect_via_info */
    bool polite;                  /* says good-bye with a Close frame */
    bool skipping;                /* rest of a message that is too long */
    uint8_t *in;                  /* a message that comes in pieces */
    size_t in_size, in_capacity;
    char reason[128];
} actri_ws_link_t;

struct actri_signaling {
    const actri_env_t *env;
    actri_ws_url_t url;
    actri_signaling_handlers_t handlers;
    void *user;
    actri_session_t *session; /* the thread's, while there is one */

    actri_mutex_t mutex; /* over the next lines */
    actri_cond_t changed;
    bool running, reaping, ended; /* a thread exists; is being joined; has done its last work */
    bool leaving;                 /* it takes no more commands */
    bool settled;                 /* start has its outcome */
    bool online, woken, beat, stop_asked;
    bool warned;
    int64_t start_deadline_ns, stop_deadline_ns;
    actr_status_t start_status, stop_status;
    actr_error_t start_error, stop_error;
    actri_link_t commands;
    size_t relays, bytes; /* in commands and in frames */
    size_t questions;     /* in commands */
    struct lws_context *context;
    actri_signaling_counters_t counters; /* as of the last turn */
    uint64_t limits_reached, relays_dropped;
    actri_thread_t thread;

    /* the thread's alone */
    bool finished;
    bool sending_relay;
    bool ping_due, connect_due, next_address_due;
    char *query;
    size_t query_size;
    actri_resolve_t *resolve;
    actri_addresses_t addresses;
    unsigned address_next;
    actri_ws_link_t *link; /* the session's socket */
    unsigned parting;      /* links that still say good-bye */
    actri_link_t links;    /* all */
    actri_link_t frames;
    actri_out_frame_t *reserved;
    lws_sorted_usec_list_t timer;
};

actri_session_time_t actri_client_time(void);
/* Frees a frame and gives its share of the limits back. */
void actri_client_drop_frame(actri_signaling_t *client, actri_out_frame_t *frame, bool written);

/* socket.c: the context and its sockets; signaling thread only. */
ACTR_MUST_CHECK bool actri_socket_open(actri_signaling_t *client);
/* Resolves and connects to url + client->query; the session is told. */
void actri_socket_connect(actri_signaling_t *client);
/* Goes on with a connect: a name was resolved, or the next address is to be tried. */
void actri_socket_continue(actri_signaling_t *client);
void actri_socket_abandon(actri_signaling_t *client, bool polite);
void actri_socket_want_write(actri_signaling_t *client);
/* Waits for something to happen, at most until deadline_ns. */
void actri_socket_service(actri_signaling_t *client, int64_t deadline_ns);
void actri_socket_close_all(actri_signaling_t *client);

#endif
