/* SPDX-License-Identifier: Apache-2.0 */
/* Optimal string alignment distance, in three rows; case does not count. */
#include "config/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LONGEST 80

static int low(char c)
{
    return tolower((unsigned char)c);
}

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

unsigned actri_edit_distance(const char *a, const char *b, unsigned most)
{
    size_t m = strlen(a), n = strlen(b);
    unsigned rows[3][LONGEST + 1];
    if (m > LONGEST || n > LONGEST || (m > n ? m - n : n - m) >= most) return most;
    for (size_t j = 0; j <= n; j++) rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        unsigned *now = rows[i % 3], *one = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];
        unsigned least = now[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned change = low(a[i - 1]) == low(b[j - 1]) ? 0 : 1;
            now[j] = smallest(one[j] + 1, now[j - 1] + 1, one[j - 1] + change);
            if (i > 1 && j > 1 && low(a[i - 1]) == low(b[j - 2]) && low(a[i - 2]) == low(b[j - 1]) &&
                two[j - 2] + 1 < now[j])
                now[j] = two[j - 2] + 1;
            if (now[j] < least) least = now[j];
        }
        if (least >= most) return most;
    }
    return rows[m % 3][n] < most ? rows[m % 3][n] : most;
}

unsigned actri_suggest_limit(const char *text)
{
    size_t size = strlen(text);
    return size < 4 ? 1 : size < 9 ? 2 : 3;
}

const char *actri_suggest_word(const char *text, const char *words, char *room, size_t size)
{
    unsigned least = actri_suggest_limit(text) + 1;
    const char *found = NULL;
    while (*words != '\0') {
        char word[LONGEST];
        size_t length = strcspn(words, "|");
        (void)snprintf(word, sizeof word, "%.*s", (int)length, words);
        unsigned distance = actri_edit_distance(text, word, least);
        if (distance < least) {
            least = distance;
            (void)snprintf(room, size, "%s", word);
            found = room;
        }
        words += length + (words[length] == '|' ? 1 : 0);
    }
    return found;
}
