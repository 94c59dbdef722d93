/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of the machine's batteries: sys/class/power_supply, a folder for each supply. */
#include "port/machine.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define SUPPLIES "sys/class/power_supply"

static bool read_supply(const char *root, const char *name, const char *file, char text[ACTRI_MACHINE_TEXT])
{
    char path[ACTRI_MACHINE_PATH];
    int length = snprintf(path, sizeof path, SUPPLIES "/%s/%s", name, file);
    return length > 0 && (size_t)length < sizeof path && actri_machine_read(root, path, text);
}

static bool says(const char *root, const char *name, const char *file, const char *word)
{
    char text[ACTRI_MACHINE_TEXT];
    size_t size = strlen(word);
    return read_supply(root, name, file, text) && strncmp(text, word, size) == 0 &&
           (text[size] == '\n' || text[size] == '\0');
}

static bool number(const char *root, const char *name, const char *file, double *out)
{
    char text[ACTRI_MACHINE_TEXT];
    const char *at = text;
    return read_supply(root, name, file, text) && actri_machine_number(&at, out);
}

/* Drivers give a percentage, or energy or charge now and when full. */
static bool charge(const char *root, const char *name, double *out)
{
    double full;
    if (number(root, name, "capacity", out)) {
        *out /= 100;
    } else if ((number(root, name, "energy_now", out) && number(root, name, "energy_full", &full)) ||
               (number(root, name, "charge_now", out) && number(root, name, "charge_full", &full))) {
        if (full <= 0) return false;
        *out /= full;
    } else {
        return false;
    }
    if (*out > 1) *out = 1;
    return true;
}

/* A mouse's battery is none of the machine's. */
static bool is_battery(const char *root, const char *name)
{
    return says(root, name, "type", "Battery") && !says(root, name, "scope", "Device");
}

/* True when the supply feeds the machine from outside, or what is in the battery is not being used. */
static bool is_fed(const char *root, const char *name, bool battery)
{
    if (!battery) return !says(root, name, "type", "Battery") && says(root, name, "online", "1");
    return says(root, name, "status", "Charging") || says(root, name, "status", "Full") ||
           says(root, name, "status", "Not charging");
}

bool actri_machine_battery(const char *root, double *left)
{
    char path[ACTRI_MACHINE_PATH];
    int length = snprintf(path, sizeof path, "%s/" SUPPLIES, root);
    DIR *folder = length > 0 && (size_t)length < sizeof path ? opendir(path) : NULL;
    if (folder == NULL) return false;
    double sum = 0, one;
    unsigned count = 0;
    bool fed = false;
    for (struct dirent *entry; !fed && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        bool battery = is_battery(root, entry->d_name);
        fed = is_fed(root, entry->d_name, battery);
        if (!battery || !charge(root, entry->d_name, &one)) continue;
        sum += one;
        count++;
    }
    (void)closedir(folder);
    if (fed || count == 0) return false;
    *left = sum / count;
    return true;
}
