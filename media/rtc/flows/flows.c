/* The usual packets of RTP streams, taken and sent without Python.
 *
 * A *flow* is the packets of one RTP stream in one direction while nothing about them is unusual.
 * Python decides when one begins and ends (flows.py), and answers for all else. What came in and is
 * not the very next packet of a flow is left to Python untouched.
 *
 * Nothing here waits, and nothing outlives the call but what `struct flows` holds. libsrtp is
 * pylibsrtp's own, called by the addresses of its functions. */

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "flows.h"

#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    LONGEST = 1500,        /* octets of a packet */
    TAG = 16,              /* octets of the longest authentication tag */
    ROOM = 65536,          /* octets that one read may bring */
    MOST_ROUNDS = 16,      /* rounds of one call */
    MOST_KEPT = 1 << 16,   /* octets of frames that wait for Python */
    HEADER = 12,
};

static const double LONGEST_TURN = 0.006; /* seconds after which no further round begins */

typedef int (*crypt_function)(void *session, void *packet, int *length);

struct slot {
    struct inbound *first;
    int waits; /* whether Python has datagrams for it that the kernel did not take */
};

static double clock_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

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

/* -- which flows there are ----------------------------------------------------------------------- */

static struct slot *slot_of(struct flows *flows, int file)
{
    return file >= 0 && file < flows->slot_count ? &flows->slots[file] : NULL;
}

static struct slot *make_slot(struct flows *flows, int file)
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

int flows_listen(struct flows *flows, struct inbound *flow)
{
    struct slot *slot = make_slot(flows, flow->file);
    if (slot == NULL)
        return -1;
    flow->other = slot->first;
    slot->first = flow;
    return 0;
}

void flows_unlisten(struct flows *flows, struct inbound *flow)
{
    struct slot *slot = slot_of(flows, flow->file);
    if (slot != NULL)
        for (struct inbound **at = &slot->first; *at != NULL; at = &(*at)->other)
            if (*at == flow) {
                *at = flow->other;
                break;
            }
    free(flow->frames);
    flow->frames = NULL;
    flow->frames_length = flow->frames_room = 0;
}

int flows_put(struct flows *flows, struct outbound *flow)
{
    for (int at = 0; at < flow->count; at++)
        if (HEADER + flow->extension_length + flow->frames[at]->length > LONGEST)
            return -1;
    if (flows->going_count == flows->going_room) {
        int room = 2 * flows->going_room + 16;
        size_t size = (size_t)room * sizeof *flows->going;
        struct outbound **going = realloc(flows->going, size);
        if (going == NULL)
            return -1;
        flows->going = going;
        struct outbound **ended = realloc(flows->ended, size);
        if (ended == NULL)
            return -1;
        flows->ended = ended;
        flows->going_room = room;
    }
    flow->place = flows->going_count;
    flows->going[flows->going_count++] = flow;
    return 0;
}

void flows_take(struct flows *flows, struct outbound *flow)
{
    int place = flow->place;
    if (place < 0 || place >= flows->going_count || flows->going[place] != flow)
        return;
    flows->going[place] = flows->going[--flows->going_count];
    flows->going[place]->place = place;
    flow->place = -1;
}

/* A socket is about to be closed: its number may soon be another one's. */
void flows_forget(struct flows *flows, int file)
{
    struct slot *slot = slot_of(flows, file);
    if (slot == NULL)
        return;
    slot->first = NULL;
    slot->waits = 0;
}

int flows_keep_back(struct flows *flows, int file, int wait)
{
    struct slot *slot = make_slot(flows, file);
    if (slot == NULL)
        return -1;
    slot->waits = wait;
    return 0;
}

/* -- what comes in ------------------------------------------------------------------------------- */

static uint32_t read_32(const uint8_t *octets)
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8
           | octets[3];
}

static uint16_t read_16(const uint8_t *octets)
{
    return (uint16_t)(octets[0] << 8 | octets[1]);
}

static void keep_frame(struct inbound *flow, const uint8_t *payload, int length, double now)
{
    int32_t octets = length;
    uint8_t *at = flow->frames + flow->frames_length;
    memcpy(at, &now, 8);
    memcpy(at + 8, &flow->timestamp, 4);
    memcpy(at + 12, &octets, 4);
    memcpy(at + 16, payload, (size_t)length);
    flow->frames_length += 16 + length;
}

static int has_room(struct inbound *flow, int length)
{
    int wanted = flow->frames_length + 16 + length;
    if (wanted <= flow->frames_room)
        return 1;
    if (wanted > MOST_KEPT)
        return 0;
    int room = 2 * flow->frames_room > wanted ? 2 * flow->frames_room : wanted + 1024;
    uint8_t *frames = realloc(flow->frames, (size_t)room);
    if (frames == NULL)
        return 0;
    flow->frames = frames;
    flow->frames_room = room;
    return 1;
}

static void count(struct inbound *flow, uint32_t timestamp, double now)
{
    flow->received++;
    flow->next++;
    flow->left--;
    if (timestamp == flow->timestamp)
        return;
    double ticks = (int32_t)(timestamp - flow->timestamp);
    double difference = now - flow->arrival - ticks / flow->clock_rate;
    flow->timestamp = timestamp;
    flow->arrival = now;
    flow->jitter += (fabs(difference) - flow->jitter) / 16;
}

/* Take a datagram: 1 if that is done, 0 if it is for Python. */
static int take(struct flows *flows, struct inbound *flow, int at, int end, double now)
{
    uint8_t *packet = flows->room + at;
    int length = end - at;
    if (flow->left <= 0 || now >= flow->until || length < HEADER + TAG || length > LONGEST)
        return 0;
    if ((packet[0] != 0x80 && packet[0] != 0x90) || (packet[1] & 0x7F) != flow->payload_type
        || (packet[1] > 191 && packet[1] < 224) || read_16(packet + 2) != flow->next)
        return 0;
    int head = HEADER;
    if (packet[0] == 0x90) {
        if (length < HEADER + 4 + TAG)
            return 0;
        head += 4 + 4 * read_16(packet + 14);
    }
    if (head + TAG > length || (flow->keeps && !has_room(flow, length)))
        return 0;
    uint32_t timestamp = read_32(packet + 4);
    if (at & 3) { /* libsrtp wants packets aligned; what lies before is done with */
        memmove(flows->room + (at & ~3), packet, (size_t)length);
        packet = flows->room + (at & ~3);
    }
    if (((crypt_function)flows->unprotect)(flow->session, packet, &length) != 0)
        return 1; /* forged or repeated: nobody is to see it */
    count(flow, timestamp, now);
    if (flow->keeps && length > head)
        keep_frame(flow, packet + head, length - head, now);
    return 1;
}

static struct inbound *flow_of(const struct slot *slot, const uint8_t *packet, int length,
                               const struct sockaddr_storage *address)
{
    if (length < HEADER)
        return NULL;
    uint32_t ssrc = read_32(packet + 8);
    for (struct inbound *flow = slot->first; flow != NULL; flow = flow->other)
        if (flow->ssrc == ssrc)
            return memcmp(flow->address, address, (size_t)flow->address_length) ? NULL : flow;
    return NULL;
}

static struct left_over *leave(struct flows *flows, int file)
{
    struct left_over *left = &flows->left[flows->left_count++];
    memset(left, 0, sizeof *left);
    left->file = file;
    return left;
}

/* Read a socket once. `used` is where free room begins; returns where it begins then. */
static int read_one(struct flows *flows, int file, const struct slot *slot, int used, double now)
{
    struct sockaddr_storage address;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))];
    struct iovec room = {flows->room + used, ROOM};
    struct msghdr message = {
        .msg_name = &address,
        .msg_namelen = sizeof address,
        .msg_iov = &room,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    memset(&address, 0, sizeof address);
    ssize_t got = recvmsg(file, &message, MSG_DONTWAIT);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR)
            leave(flows, file)->end = -errno;
        return used;
    }
    int size = (int)got, at = used, end = used + (int)got;
    for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one))
        if (one->cmsg_level == SOL_UDP && one->cmsg_type == UDP_GRO)
            memcpy(&size, CMSG_DATA(one), sizeof size);
    if (size <= 0)
        size = (int)got;
    while (at < end) {
        int stop = at + size < end ? at + size : end;
        struct inbound *flow = flow_of(slot, flows->room + at, stop - at, &address);
        if (flow == NULL || !take(flows, flow, at, stop, now))
            break;
        at = stop;
    }
    if (at == end && got > 0)
        return used;
    struct left_over *left = leave(flows, file);
    left->at = at;
    left->end = end;
    left->size = size;
    left->address_length = (int)message.msg_namelen;
    memcpy(left->address, &address, sizeof left->address);
    return (end + 7) & ~7;
}

/* Read the sockets that have something, until there is nothing or something is left for Python.
 * Returns how many had something in the last round. */
int flows_read(struct flows *flows, int epoll, double now)
{
    struct epoll_event events[MOST_SOCKETS];
    double until = clock_seconds(CLOCK_MONOTONIC) + LONGEST_TURN;
    flows->left_count = flows->is_behind = flows->found_several = 0;
    for (int round = 0; round < MOST_ROUNDS; round++) {
        int used = 0, found = epoll_wait(epoll, events, MOST_SOCKETS, 0);
        if (found <= 0)
            return 0;
        flows->found_several |= found > 1;
        for (int at = 0; at < found && used + ROOM <= flows->size; at++) {
            int file = events[at].data.fd;
            const struct slot *slot = slot_of(flows, file);
            if (slot == NULL || slot->first == NULL)
                leave(flows, file);
            else
                used = read_one(flows, file, slot, used, now);
        }
        if (flows->left_count)
            return found;
        if (clock_seconds(CLOCK_MONOTONIC) >= until)
            break;
    }
    flows->is_behind = 1;
    return 0;
}

/* -- what goes out ------------------------------------------------------------------------------- */

static void write_32(uint8_t *octets, uint32_t value)
{
    octets[0] = (uint8_t)(value >> 24);
    octets[1] = (uint8_t)(value >> 16);
    octets[2] = (uint8_t)(value >> 8);
    octets[3] = (uint8_t)value;
}

/* Make the packet of the frame that is due. */
static void make(struct outbound *flow, struct unsent *made)
{
    const struct flow_frame *frame = flow->frames[flow->at];
    int64_t timestamp = (int64_t)nearbyint((flow->due - flow->origin) * flow->rate);
    if (timestamp <= flow->last)
        timestamp = flow->last + 1;
    flow->last = timestamp;
    uint8_t *packet = made->packet;
    packet[0] = flow->extension_length ? 0x90 : 0x80;
    packet[1] = flow->marked_type;
    packet[2] = (uint8_t)(flow->number >> 8);
    packet[3] = (uint8_t)flow->number;
    write_32(packet + 4, flow->base + (uint32_t)timestamp);
    write_32(packet + 8, flow->ssrc);
    memcpy(packet + HEADER, flow->extension, (size_t)flow->extension_length);
    int head = HEADER + flow->extension_length;
    memcpy(packet + head, frame->data, (size_t)frame->length);
    made->length = head + frame->length;
}

static int send_one(struct flows *flows, struct outbound *flow, const struct unsent *made)
{
    const struct slot *slot = slot_of(flows, flow->file);
    if (slot != NULL && slot->waits)
        return 0;
    return sendto(flow->file, made->packet, (size_t)made->length, MSG_DONTWAIT,
                  (const struct sockaddr *)flow->address, (socklen_t)flow->address_length) >= 0;
}

/* Send what is due, at most one frame of each flow in `CHUNK` of them; returns whether more may be
 * due now. What the kernel did not take is in `unsent`, encrypted. `next` tells when the next frame
 * is due, and `ended` which flows have nothing left; those are taken off. */
int flows_send(struct flows *flows, double now, double grid, double patience)
{
    struct outbound *batch[CHUNK];
    int count = 0, is_full = 0;
    double moment = nearbyint(now * 1000);
    flows->ended_count = flows->unsent_count = 0;
    flows->next = INFINITY;
    for (int at = 0; at < flows->going_count; at++) {
        struct outbound *flow = flows->going[at];
        if (nearbyint(flow->runs_at * 1000) > moment) {
            flows->next = fmin(flows->next, flow->runs_at);
        } else if (count < CHUNK) {
            make(flow, &flows->chunk[count]);
            batch[count++] = flow;
        } else {
            is_full = 1;
        }
    }
    for (int at = 0; at < count; at++) {
        struct outbound *flow = batch[at];
        if (flow->left != NULL) {
            flow->left[flow->at].timestamp = flow->last;
            flow->left[flow->at].at = clock_seconds(CLOCK_MONOTONIC);
        }
        struct unsent *made = &flows->chunk[at];
        if (((crypt_function)flows->protect)(flow->session, made->packet, &made->length) != 0)
            made->length = 0;
    }
    double wall = clock_seconds(CLOCK_REALTIME);
    for (int at = 0; at < count; at++) {
        struct outbound *flow = batch[at];
        struct unsent *made = &flows->chunk[at];
        if (made->length && !send_one(flows, flow, made)) {
            struct unsent *unsent = &flows->unsent[flows->unsent_count++];
            unsent->number = flow->place;
            unsent->length = made->length;
            memcpy(unsent->packet, made->packet, (size_t)made->length);
        }
        const struct flow_frame *frame = flow->frames[flow->at++];
        flow->number++;
        flow->octets += frame->length;
        flow->ticks += frame->duration;
        flow->wall = wall;
        flow->due += frame->duration / flow->rate;
        if (flow->due < now - patience)
            flow->due = now;
        flow->runs_at = nearbyint(flow->due * 1000) > moment ? flow->due : now + grid;
        if (flow->at < flow->count)
            flows->next = fmin(flows->next, flow->runs_at);
    }
    for (int at = 0; at < flows->going_count; at++)
        if (flows->going[at]->at >= flows->going[at]->count)
            flows->ended[flows->ended_count++] = flows->going[at];
    return is_full;
}
