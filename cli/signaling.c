/* SPDX-License-Identifier: Apache-2.0 */
/* `actr signaling`: the development server until Ctrl-C. */
#include "server/server.h"
#include "verbs.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void print_line(void *user, const char *line)
{
    (void)user;
    char clock[16];
    time_t now = time(NULL);
    struct tm parts;
    (void)strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &parts));
    (void)printf("%s %s\n", clock, line);
    (void)fflush(stdout);
}

static void let_larger_offer(actri_core_switches_t *switches, void *user)
{
    (void)user;
    switches->larger_offers = true;
}

static int usage(FILE *out, int status)
{
    (void)fprintf(out, "usage: actr signaling [--listen ADDRESS:PORT] [--verbose] [--larger-offers]\n\n"
                       "Runs a signaling server for development: every realm is accepted, nothing is kept.\n"
                       "  --listen ADDRESS:PORT  where (default 127.0.0.1:8081; port 0: any free one)\n"
                       "  --verbose              one line for each event\n"
                       "  --larger-offers        the actor with the larger id makes the offer, not the smaller\n");
    return status;
}

int verb_signaling(int argc, char **argv)
{
    actri_server_options_t options = {.listen = "127.0.0.1:8081"};
    bool larger = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0)
            options.trace = print_line;
        else if (strcmp(argv[i], "--larger-offers") == 0)
            larger = true;
        else if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc)
            options.listen = argv[++i];
        else if (strcmp(argv[i], "--help") == 0)
            return usage(stdout, 0);
        else
            return usage(stderr, 2);
    }
    sigset_t ends;
    int number;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before any thread is made */
    actr_error_t error = ACTR_ERROR_INIT;
    actri_server_t *server = NULL;
    if (actri_server_new(&options, &server, &error) != ACTR_OK) {
        (void)fprintf(stderr, "actr signaling: %s\n", actr_error_message(&error));
        return 1;
    }
    if (larger) actri_server_switch(server, let_larger_offer, NULL);
    char url[128];
    (void)printf("listening on %s\n", actri_server_url(server, url, sizeof url));
    (void)fflush(stdout);
    (void)sigwait(&ends, &number);
    actri_server_free(server);
    return 0;
}
