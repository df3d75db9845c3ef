/*
 * replay.c - runs a fuzz target over every file of the folders named, where libFuzzer does not: so
 * that each ordinary test run replays the corpus.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (file && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    /* Exactly as large as the input, so that a read past its end is found. */
    uint8_t *bytes = size >= 0 ? malloc((size_t)size ? (size_t)size : 1) : NULL;
    int failed = !bytes || fseek(file, 0, SEEK_SET) ||
                 fread(bytes, 1, (size_t)size, file) != (size_t)size;
    if (failed)
        perror(path);
    else
        LLVMFuzzerTestOneInput(bytes, (size_t)size);
    free(bytes);
    if (file)
        fclose(file);
    return failed ? -1 : 0;
}

/* How many files were replayed, or -1. */
static int replay_folder(const char *folder)
{
    DIR *open = opendir(folder);
    int count = 0;
    if (!open)
        perror(folder);
    for (struct dirent *entry; open && count >= 0 && (entry = readdir(open));) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count = replay_file(path) ? -1 : count + 1;
    }
    if (open)
        closedir(open);
    return open ? count : -1;
}

int main(int argument_count, char **arguments)
{
    for (int i = 1; i < argument_count; i++) {
        int count = replay_folder(arguments[i]);
        if (count <= 0) {
            fprintf(stderr, "%s: nothing to replay\n", arguments[i]);
            return 1;
        }
        printf("%s: %d inputs replayed\n", arguments[i], count);
    }
    return 0;
}
