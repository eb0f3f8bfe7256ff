/* The usual packets of RTP streams, taken and sent without Python.
 *
 * A *flow* is the packets of one RTP stream in one direction while nothing about them is unusual.
 * Python decides when one begins and ends (flows.py), and answers for all else. What came in and is
 * not the very next packet of a flow is left to Python untouched.
 *
 * Nothing here waits, and nothing outlives the call but what `struct flows` holds. libsrtp is
 * pylibsrtp's own, called by the addresses of its functions. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared.h"

struct flows *flows_new(void *protect, void *unprotect, uint8_t *room, int size)
{
    struct flows *flows = calloc(1, sizeof *flows);
    if (flows == NULL)
        return NULL;
    flows->protect = protect;
    flows->unprotect = unprotect;
    flows->room = room;
    flows->size = size;
    flows->next = INFINITY;
    return flows;
}

void flows_free(struct flows *flows)
{
    if (flows == NULL)
        return;
    free(flows->slots);
    free(flows->going);
    free(flows->ended);
    free(flows);
}

struct slot *flows_make_slot(struct flows *flows, int file)
{
    if (file < 0)
        return NULL;
    if (file >= flows->slot_count) {
        int count = file + 64;
        struct slot *slots = realloc(flows->slots, (size_t)count * sizeof *slots);
        if (slots == NULL)
            return NULL;
        memset(slots + flows->slot_count, 0,
               (size_t)(count - flows->slot_count) * sizeof *slots);
        flows->slots = slots;
        flows->slot_count = count;
    }
    return &flows->slots[file];
}

/* A socket is about to be closed: its number may soon be another one's. */
void flows_forget(struct flows *flows, int file)
{
    struct slot *slot = slot_of(flows, file);
    if (slot == NULL)
        return;
    memset(slot, 0, sizeof *slot);
}

int flows_keep_back(struct flows *flows, int file, int wait)
{
    struct slot *slot = flows_make_slot(flows, file);
    if (slot == NULL)
        return -1;
    slot->waits = wait;
    return 0;
}
