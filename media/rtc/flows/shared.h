/* What the files of the compiled part share, and Python does not know. */

#ifndef CALLBOARD_SHARED_H
#define CALLBOARD_SHARED_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "records.h"
#include "flows.h"

enum {
    LONGEST = 1500, /* octets of a packet */
    TAG = 16,       /* octets of the longest authentication tag */
    HEADER = 12,
};

typedef int (*crypt_function)(void *session, void *packet, int *length);

struct slot {
    struct inbound *first;
    int waits; /* whether Python has datagrams for it that the kernel did not take */
    int reads, bursts; /* that Python has not seen, and those of them that found several datagrams */
    unsigned turn;     /* in which it was read last */
};

struct slot *flows_make_slot(struct flows *flows, int file);

static inline struct slot *slot_of(struct flows *flows, int file)
{
    return file >= 0 && file < flows->slot_count ? &flows->slots[file] : NULL;
}

static inline double clock_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
