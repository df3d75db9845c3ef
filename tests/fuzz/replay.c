/*
 * replay.c - runs a fuzz target over files instead of a fuzzer: the corpus as an ordinary test.
 *
 * Arguments are folders, of which every file is taken, or files. No file at all is a failure, so
 * that a corpus that was moved does not pass for one that was replayed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The whole file in memory of exactly its size, so that a sanitizer sees a read behind it. */
static uint8_t *read_file(const char *path, size_t size)
{
    uint8_t *data = malloc(size > 0 ? size : 1);
    FILE *file = fopen(path, "rb");
    if (!data || !file || fread(data, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return data;
}

static void replay_file(const char *path, size_t size)
{
    uint8_t *data = read_file(path, size);
    printf("%s\n", path); /* the last one named is the one that failed */
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t replay(const char *path);

static size_t replay_folder(const char *folder)
{
    struct dirent **entries;
    size_t count = 0;
    int found = scandir(folder, &entries, is_visible, alphasort);
    for (int i = 0; i < found; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        count += replay(path);
        free(entries[i]);
    }
    if (found >= 0)
        free(entries);
    return count;
}

static size_t replay(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        perror(path);
        exit(1);
    }
    if (S_ISDIR(about.st_mode))
        return replay_folder(path);
    replay_file(path, (size_t)about.st_size);
    return 1;
}

int main(int count, char **paths)
{
    for (int i = 1; i < count; i++)
        if (replay(paths[i]) == 0) {
            fprintf(stderr, "%s: holds no file to replay\n", paths[i]);
            return 1;
        }
    return count > 1 ? 0 : 1;
}
