/* What comes in; see `flows.c`. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "shared.h"

#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    ROOM = 65536,        /* octets that one read may bring */
    MOST_ROUNDS = 16,    /* rounds of one call */
    MOST_KEPT = 1 << 16, /* octets of frames that wait for Python */
};

static const double LONGEST_TURN = 0.006; /* seconds after which no further round begins */

int flows_listen(struct flows *flows, struct inbound *flow)
{
    struct slot *slot = flows_make_slot(flows, flow->file);
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
