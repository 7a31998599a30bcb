/* Looks a key up in the file's text, which is read anew only where the file was replaced: what the fake itself costs would else be most
 * of what is measured. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t keeping = PTHREAD_MUTEX_INITIALIZER;
static char kept[1 << 15];
static struct stat kept_of;

static void renew(const char *path)
{
    struct stat now;
    if (stat(path, &now)) { kept[0] = 0; return; }
    if (now.st_ino == kept_of.st_ino && now.st_size == kept_of.st_size && now.st_mtim.tv_sec == kept_of.st_mtim.tv_sec
        && now.st_mtim.tv_nsec == kept_of.st_mtim.tv_nsec)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, kept, sizeof kept - 1);
    if (fd >= 0) close(fd);
    kept[n < 0 ? 0 : n] = 0;
    kept_of = now;
}

static int look(const char *key, char *out, size_t size)
{
    const char *path = getenv("FAKE_NVML"), *line;
    size_t n = strlen(key);
    int found = 0;
    if (!path) return 0;
    pthread_mutex_lock(&keeping);
    renew(path);
    for (line = kept; line && *line && !found; line = strchr(line, '\n'), line += line != NULL)
        if (!strncmp(line, key, n) && line[n] == ' ') {
            snprintf(out, size, "%.*s", (int)strcspn(line + n + 1, "\n"), line + n + 1);
            found = 1;
        }
    pthread_mutex_unlock(&keeping);
    return found;
}
