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
    ROOM = 65536,            /* octets that one read may bring */
    MOST_ROUNDS = 16,        /* rounds of one call */
    MOST_SOUND = 1 << 16,    /* octets of frames that wait for Python */
    MOST_PICTURES = 1 << 19, /* 0.8 s of 5 Mbit/s */
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

/* Where a packet stands in its picture. Where none is marked, a picture ends with the first packet
 * of the next one. */
enum place { WITHIN, BEGINS, ENDS_ONE };

/* Keep what is `read` of a payload, or else the payload as it is. */
static void keep(struct inbound *flow, const uint8_t *payload, int length, double now,
                 enum place place, const struct flow_record *read)
{
    struct flow_record record;
    if (flow->record < flow->frames_length)
        memcpy(&record, flow->frames + flow->record, sizeof record);
    if (place != WITHIN || flow->record >= flow->frames_length
        || record.is_read != read->is_read || (flow->ends_one && record.arrival != now)) {
        record = *read;
        record.timestamp = flow->timestamp;
        flow->records = flow->frames_length ? flow->records + 1 : 1;
        flow->record = flow->frames_length;
        flow->ends_one = place == ENDS_ONE;
        flow->frames_length += RECORD;
    }
    if (!read->is_read) {
        uint16_t size = (uint16_t)length;
        memcpy(flow->frames + flow->frames_length, &size, sizeof size);
        flow->frames_length += (int)sizeof size;
    }
    memcpy(flow->frames + flow->frames_length, payload, (size_t)length);
    flow->frames_length += length;
    record.arrival = now;
    record.is_marked = flow->is_marked;
    record.is_key |= read->is_key;
    record.octets = (uint32_t)(flow->frames_length - flow->record - RECORD);
    record.packets++;
    memcpy(flow->frames + flow->record, &record, sizeof record);
}

int flows_part(const uint8_t *records, int length, struct columns *columns)
{
    struct flow_record record;
    int found = 0;
    for (int at = 0, next; found < MOST_FRAMES; at = next, found++) {
        next = read_record(records, length, at, &record);
        if (!next)
            break;
        columns->arrivals[found] = record.arrival;
        columns->timestamps[found] = record.timestamp;
        columns->packets[found] = record.packets;
        columns->flags[found] = (uint8_t)((record.is_marked ? MARKED : 0)
                                          | (record.is_read ? READ : 0)
                                          | (record.is_first ? FIRST : 0)
                                          | (record.is_key ? KEY : 0));
        columns->begins[found] = at + RECORD;
        columns->ends[found] = next;
    }
    return found;
}

static int has_room(struct inbound *flow, int length)
{
    int wanted = flow->frames_length + RECORD + (int)sizeof(uint16_t) + length;
    if (flow->frames_length && flow->records >= MOST_FRAMES)
        return 0;
    if (wanted <= flow->frames_room)
        return 1;
    int most = flow->keeps == SOUND ? MOST_SOUND : MOST_PICTURES;
    if (wanted > most)
        return 0;
    int room = 2 * flow->frames_room > wanted ? 2 * flow->frames_room : wanted + 1024;
    if (room > most)
        room = most;
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

/* The abs-send-time in a header extension, whole, of `length` octets (RFC 8285 sections 4.2 and
 * 4.3); -1 if there is none. */
static int64_t sent_at(const uint8_t *extension, int length, int id)
{
    int head = extension[0] == 0xBE && extension[1] == 0xDE ? 1 : extension[0] == 0x10 ? 2 : 0;
    for (int at = 4; head && at + head <= length;) {
        int first = extension[at];
        if (first == 0) {
            at++;
            continue;
        }
        int found = head == 1 ? first >> 4 : first;
        int size = head == 1 ? (first & 15) + 1 : extension[at + 1];
        if (head == 1 && found == 15)
            break;
        at += head;
        if (found == id)
            return size == 3 && at + 3 <= length ? (int64_t)(read_32(extension + at - 1) & 0xFFFFFF)
                                                 : -1;
        at += size;
    }
    return -1;
}

/* Add a packet to the group that goes on, or begin another one. */
static void group(struct inbound *flow, uint32_t sent, int octets, int64_t moment)
{
    if (((sent - flow->began) & 0xFFFFFF) > flow->span) {
        flow->groups[flow->group_count++] = flow->group;
        flow->began = sent;
        flow->group.octets = 0;
    }
    flow->group.sent = sent;
    flow->group.arrival = moment;
    flow->group.octets += octets;
}

/* Whether a payload may spoil more than it brings, or can't be told to: RFC 7741 section 4.2, RFC
 * 6184 section 5. One that begins a frame must say so. */
static int is_strange(int keeps, const uint8_t *payload, int length, int begins)
{
    if (keeps == VP8) /* no descriptor is longer than six octets */
        return length < 7 || (begins && (payload[0] & 0x17) != 0x10);
    if (length < 3)
        return 1;
    int kind = payload[0] & 31;
    const uint8_t *slice = payload + 1;
    if (kind == 28) { /* FU-A */
        if (!begins)
            return 0;
        if (!(payload[1] & 0x80))
            return 1;
        kind = payload[1] & 31;
        slice++;
    } else if (kind == 0 || kind > 23) {
        return 1;
    }
    return begins && kind >= 1 && kind <= 5 && *slice < 0x80; /* not the picture's first */
}

/* Read a payload of VP8 that is not strange; returns where its part of the picture begins. */
static int read_vp8(const uint8_t *payload, struct flow_record *read)
{
    int start = 1;
    if (payload[0] & 0x80) {
        int has = payload[1];
        start = 2 + (has >> 6 & 1) + ((has & 0x30) != 0);
        if (has & 0x80)
            start += 1 + (payload[2] >> 7);
    }
    read->is_read = 1;
    read->is_first = (payload[0] & 0x17) == 0x10; /* the start of partition 0 */
    read->is_key = read->is_first && !(payload[start] & 1);
    return start;
}

enum taken { LEFT, TAKEN, STRANGE };

/* Take a datagram, unless it is left to Python. After one that is strange Python is to look. */
static enum taken take(struct flows *flows, struct inbound *flow, int at, int end, double now,
                       int64_t moment)
{
    uint8_t *packet = flows->room + at;
    int length = end - at;
    if (flow->left <= 0 || now >= flow->until || length < HEADER + TAG || length > LONGEST)
        return LEFT;
    if ((packet[0] != 0x80 && packet[0] != 0x90) || (packet[1] & 0x7F) != flow->payload_type
        || (packet[1] > 191 && packet[1] < 224) || read_16(packet + 2) != flow->next)
        return LEFT;
    int head = HEADER;
    if (packet[0] == 0x90) {
        if (length < HEADER + 4 + TAG)
            return LEFT;
        head += 4 + 4 * read_16(packet + 14);
    }
    if (head + TAG > length || (flow->keeps && !has_room(flow, length)))
        return LEFT;
    int64_t sent = 0;
    if (flow->sent_id) {
        sent = head > HEADER ? sent_at(packet + HEADER, head - HEADER, flow->sent_id) : -1;
        if (sent < 0 || flow->group_count >= MOST_GROUPS)
            return LEFT;
    }
    uint32_t timestamp = read_32(packet + 4);
    int is_marked = packet[1] >> 7;
    enum place place = timestamp == flow->timestamp ? WITHIN : ENDS_ONE;
    if (flow->is_marked || flow->keeps == SOUND)
        place = BEGINS;
    if (at & 3) { /* libsrtp wants packets aligned; what lies before is done with */
        memmove(flows->room + (at & ~3), packet, (size_t)length);
        packet = flows->room + (at & ~3);
    }
    if (((crypt_function)flows->unprotect)(flow->session, packet, &length) != 0)
        return TAKEN; /* forged or repeated: nobody is to see it */
    count(flow, timestamp, now);
    flow->is_marked = (uint8_t)is_marked;
    length -= head;
    if (flow->sent_id)
        group(flow, (uint32_t)sent, length, moment);
    const uint8_t *payload = packet + head;
    struct flow_record read = {.is_read = flow->keeps == SOUND};
    int strange = 0, start = 0;
    if (flow->keeps == NOTHING || (flow->keeps == SOUND && length == 0))
        return TAKEN;
    if (flow->keeps != SOUND) {
        strange = is_strange(flow->keeps, payload, length, place != WITHIN);
        if (flow->keeps == VP8 && !strange)
            start = read_vp8(payload, &read);
    }
    keep(flow, payload + start, length - start, now, place, &read);
    if (!strange)
        return TAKEN;
    flow->left = 0;
    return STRANGE;
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
static int read_one(struct flows *flows, int file, struct slot *slot, int used, double now,
                    int64_t moment)
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
    int is_joined = size < end - at;
    struct inbound *strange = NULL;
    while (at < end && strange == NULL) {
        int stop = at + size < end ? at + size : end;
        struct inbound *flow = flow_of(slot, flows->room + at, stop - at, &address);
        enum taken taken = flow == NULL ? LEFT : take(flows, flow, at, stop, now, moment);
        if (taken == LEFT)
            break;
        if (taken == STRANGE)
            strange = flow;
        at = stop;
    }
    if (at == end && got > 0) {
        slot->reads++;
        slot->bursts += is_joined || slot->turn == flows->turn;
        slot->turn = flows->turn;
        if (strange == NULL)
            return used;
    }
    struct left_over *left = leave(flows, file);
    left->strange = strange;
    left->at = at;
    left->end = end;
    left->size = size;
    left->address_length = (int)message.msg_namelen;
    memcpy(left->address, &address, sizeof left->address);
    return (end + 7) & ~7;
}

/* Read the sockets that have something, until there is nothing or something is left for Python.
 * Returns how many had something in the last round. `now` is in seconds of the loop's clock, and
 * `moment` in milliseconds of CLOCK_MONOTONIC. */
int flows_read(struct flows *flows, int epoll, double now, int64_t moment)
{
    struct epoll_event events[MOST_SOCKETS];
    double until = clock_seconds(CLOCK_MONOTONIC) + LONGEST_TURN;
    flows->left_count = flows->is_behind = flows->found_several = 0;
    flows->turn++;
    for (int round = 0; round < MOST_ROUNDS; round++) {
        int used = 0, found = epoll_wait(epoll, events, MOST_SOCKETS, 0);
        if (found <= 0)
            return 0;
        flows->found_several |= found > 1;
        for (int at = 0; at < found && used + ROOM <= flows->size; at++) {
            int file = events[at].data.fd;
            struct slot *slot = slot_of(flows, file);
            if (slot == NULL || slot->first == NULL)
                leave(flows, file);
            else
                used = read_one(flows, file, slot, used, now, moment);
        }
        if (flows->left_count)
            return found;
        if (clock_seconds(CLOCK_MONOTONIC) >= until)
            break;
    }
    flows->is_behind = 1;
    return 0;
}

/* How many reads of a socket Python has not seen, since it was last asked. How many of them found
 * several datagrams is in `bursts` then. */
int flows_count_reads(struct flows *flows, int file)
{
    struct slot *slot = slot_of(flows, file);
    if (slot == NULL)
        return flows->bursts = 0;
    int reads = slot->reads;
    flows->bursts = slot->bursts;
    slot->reads = slot->bursts = 0;
    return reads;
}
