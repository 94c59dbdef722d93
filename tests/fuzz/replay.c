/* SPDX-License-Identifier: Apache-2.0 */
/* main of a fuzz target without a fuzzer: runs it over every file of the folders, or the files, that it is given. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    size_t size = 0, room = 1 << 20;
    uint8_t *data = malloc(room);
    if (data != NULL) size = fread(data, 1, room, file);
    (void)fclose(file);
    uint8_t *exact = malloc(size > 0 ? size : 1); /* for ASan */
    if (exact != NULL && data != NULL) {
        for (size_t i = 0; i < size; i++) exact[i] = data[i];
        (void)LLVMFuzzerTestOneInput(exact, size);
        (void)printf("ok - %s\n", path);
    }
    free(exact);
    free(data);
    return 1;
}

static unsigned replay(const char *path)
{
    char name[4096];
    unsigned count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL) return replay_file(path);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        count += replay_file(name);
    }
    (void)closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    for (int i = 1; i < argc; i++) count += replay(argv[i]);
    (void)printf("%u inputs\n", count);
    return count > 0 ? 0 : 1; /* a corpus that is not there is no success */
}
