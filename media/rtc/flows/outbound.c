/* What goes out; see `flows.c`. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shared.h"

#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
    DESCRIPTOR = 6,      /* octets of a VP8 payload descriptor */
    MOST_OCTETS = 65000, /* of one call: with its headers it must fit into an IP packet */
};

static const double EPOCH = 2208988800; /* seconds from 1900 to 1970 */

int flows_put(struct flows *flows, struct outbound *flow)
{
    int head = HEADER + flow->extension_length + (flow->describes ? DESCRIPTOR : 0);
    if (flow->most < 1 || flow->most > CHUNK)
        return -1;
    for (int at = 0; at < flow->count; at++)
        if (head + flow->frames[at]->longest > LONGEST)
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

int flows_record(const struct outbound *flow, int first, uint8_t *records, int size)
{
    int used = 0;
    if (first < 0 || flow->left == NULL)
        return -1;
    for (int at = first; at < flow->at; at++) {
        const struct flow_piece *piece = flow->frames[at]->pieces;
        struct flow_record record = {
            .arrival = flow->left[at].at,
            .timestamp = (uint32_t)flow->left[at].timestamp,
            .octets = (uint32_t)piece->length,
            .packets = 1,
            .is_read = 1,
        };
        if (size - used - (int)sizeof record < piece->length)
            return -1;
        memcpy(records + used, &record, sizeof record);
        used += (int)sizeof record;
        memcpy(records + used, piece->data, (size_t)piece->length);
        used += piece->length;
    }
    return used;
}

/* -- when ---------------------------------------------------------------------------------------- */

static double moment_of(double at)
{
    return nearbyint(at * 1000);
}

/* Whether packets that wait have their tick before the next frame has its turn. */
static int ticks_next(const struct outbound *flow)
{
    if (!flow->waiting)
        return 0;
    double tick = moment_of(flow->ticks_at), frame = moment_of(flow->runs_at);
    return tick < frame || (tick == frame && flow->ticks_first);
}

/* When something is due again, `apart` seconds after the last time, as the pacer has it: what is
 * late takes its time to catch up. */
static double after(const struct flows *flows, double *due, double now, double apart)
{
    *due += apart;
    if (*due < now - flows->patience)
        *due = now;
    if (moment_of(*due) > moment_of(now))
        return *due;
    return now + fmin(flows->grid, fmax(1, floor(apart * 500 + 1e-6)) / 1000);
}

/* Let as many packets leave as this tick's share is of what waits. */
static void share(const struct flows *flows, struct outbound *flow, double now)
{
    double ticks = fmax(1, (flow->empty_by - now) / flows->grid);
    double leaving = fmax(flow->most, ceil(flow->waiting / ticks));
    flow->leaving = leaving < flow->waiting ? (int)leaving : flow->waiting;
}

static void tick(const struct flows *flows, struct outbound *flow, double now)
{
    share(flows, flow, now);
    flow->ticks_at = after(flows, &flow->tick_due, now, flows->grid);
    flow->ticks_first = 0;
}

/* A frame's turn has come. */
static void begin(const struct flows *flows, struct outbound *flow, double now)
{
    const struct flow_frame *frame = flow->frames[flow->at];
    int64_t timestamp = (int64_t)nearbyint((flow->due - flow->origin) * flow->rate);
    if (timestamp <= flow->last)
        timestamp = flow->last + 1;
    flow->last = timestamp;
    if (flow->left != NULL) {
        flow->left[flow->at].timestamp = timestamp;
        flow->left[flow->at].at = clock_seconds(CLOCK_MONOTONIC);
    }
    flow->wall = clock_seconds(CLOCK_REALTIME);
    flow->at++;
    flow->ticks += frame->duration;
    int waits = flow->waiting > 0;
    flow->waiting += frame->count;
    if (!waits && frame->count <= flow->most) {
        flow->leaving = frame->count;
    } else {
        double shown = frame->duration / flow->rate;
        flow->empty_by = fmax(flow->empty_by, now + fmin(shown, flow->spread));
        if (!waits) {
            share(flows, flow, now);
            double beat = flows->beat;
            flow->tick_due = (nearbyint((now - fmod(now, beat)) / beat) + 1) * beat;
            flow->ticks_at = flow->tick_due;
        }
    }
    flow->runs_at = after(flows, &flow->due, now, frame->duration / flow->rate);
    flow->ticks_first = 1;
}

/* -- packets ------------------------------------------------------------------------------------- */

static void write_16(uint8_t *octets, uint32_t value)
{
    octets[0] = (uint8_t)(value >> 8);
    octets[1] = (uint8_t)value;
}

static void write_32(uint8_t *octets, uint32_t value)
{
    write_16(octets, value >> 16);
    write_16(octets + 2, value);
}

/* Make the packet of a frame's piece; return its payload's length. */
static int make(const struct outbound *flow, const struct flow_frame *frame, int piece,
                uint32_t timestamp, uint8_t *packet, int *length)
{
    const struct flow_piece *part = &frame->pieces[piece];
    int is_marked = flow->marks && piece == frame->count - 1;
    packet[0] = flow->extension_length ? 0x90 : 0x80;
    packet[1] = (uint8_t)(flow->payload_type | (is_marked ? 0x80 : 0));
    write_16(packet + 2, flow->number);
    write_32(packet + 4, timestamp);
    write_32(packet + 8, flow->ssrc);
    memcpy(packet + HEADER, flow->extension, (size_t)flow->extension_length);
    uint8_t *payload = packet + HEADER + flow->extension_length, *end = payload;
    if (flow->describes) { /* RFC 7741 section 4.2 */
        *end++ = piece ? 0x80 : 0x90;
        *end++ = 0xE0;
        write_16(end, 0x8000u | ((uint32_t)(flow->picture + flow->out) & 0x7FFF));
        end[2] = (uint8_t)(flow->layer + flow->out);
        end[3] = 0;
        end += 4;
    }
    memcpy(end, part->head, (size_t)part->head_length);
    end += part->head_length;
    memcpy(end, part->data, (size_t)part->length);
    end += part->length;
    *length = (int)(end - packet);
    return (int)(end - payload);
}

/* Make packets of the frame that leaves next, as many as leave together. */
static void make_burst(struct flows *flows, struct outbound *flow, int count, double now)
{
    const struct flow_frame *frame = flow->frames[flow->out];
    int64_t from_origin = flow->left != NULL ? flow->left[flow->out].timestamp : flow->last;
    uint32_t timestamp = flow->base + (uint32_t)from_origin;
    int end = flow->piece + count;
    if (flow->time_at >= 0) {
        uint8_t *at = flow->extension + flow->time_at;
        uint64_t moment = (uint64_t)((clock_seconds(CLOCK_REALTIME) + EPOCH) * (1 << 18));
        at[0] = (uint8_t)(moment >> 16);
        write_16(at + 1, (uint32_t)(moment & 0xFFFF));
    }
    if (flow->bursts != NULL)
        flow->bursts[flow->burst_count++]
            = (struct flow_burst){flow->out, flow->piece, end, now};
    for (int piece = flow->piece; piece < end; piece++) {
        struct made *made = &flows->made[flows->made_count++];
        made->place = flow->place;
        made->at = flows->used;
        flow->octets += make(flow, frame, piece, timestamp, flows->packets + flows->used,
                             &made->length);
        flow->number++;
        flows->used += (made->length + 2 * TAG + 7) & ~7; /* libsrtp wants packets aligned */
    }
    flow->packets += count;
    flow->waiting -= count;
    flow->leaving -= count;
    flow->piece = end;
    if (end == frame->count) {
        flow->out++;
        flow->piece = 0;
    }
}

/* Send packets of one flow, of one size but the last, which may be shorter. */
static int send_run(struct flows *flows, struct outbound *flow, const struct made *run, int count)
{
    const struct sockaddr *address = (const struct sockaddr *)flow->address;
    socklen_t address_length = (socklen_t)flow->address_length;
    if (count == 1)
        return sendto(flow->file, flows->packets + run->at, (size_t)run->length, MSG_DONTWAIT,
                      address, address_length) >= 0;
    struct iovec parts[CHUNK];
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct msghdr message = {
        .msg_name = flow->address,
        .msg_namelen = address_length,
        .msg_iov = parts,
        .msg_iovlen = (size_t)count,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    uint16_t size = (uint16_t)run->length;
    struct cmsghdr *told = CMSG_FIRSTHDR(&message);
    told->cmsg_level = SOL_UDP;
    told->cmsg_type = UDP_SEGMENT;
    told->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(told), &size, sizeof size);
    for (int at = 0; at < count; at++)
        parts[at] = (struct iovec){flows->packets + run[at].at, (size_t)run[at].length};
    return sendmsg(flow->file, &message, MSG_DONTWAIT) >= 0;
}

/* How many packets from one on, of the same flow, one call can send. */
static int run_of(const struct flows *flows, const struct outbound *flow, int at)
{
    const struct made *first = &flows->made[at], *last = first;
    int octets = first->length, count = 1;
    while (flow->cuts && at + count < flows->made_count && last->length == first->length) {
        const struct made *next = last + 1;
        if (next->place != first->place || next->length > first->length || !next->length
            || octets + next->length > MOST_OCTETS)
            break;
        octets += next->length;
        last = next;
        count++;
    }
    return count;
}

/* Whether others on its socket wait for room already: nothing passes them. */
static int is_kept_back(struct flows *flows, const struct outbound *flow)
{
    const struct slot *slot = slot_of(flows, flow->file);
    if (slot != NULL && slot->waits)
        return 1;
    for (int at = 0; at < flows->unsent_count; at++)
        if (flows->going[flows->unsent[at].place]->file == flow->file)
            return 1;
    return 0;
}

/* Encrypt and send the packets that are made. Those that the kernel does not take are in `unsent`,
 * and stay in `packets`. */
static void send_all(struct flows *flows)
{
    for (int at = 0; at < flows->made_count; at++) {
        struct made *made = &flows->made[at];
        const struct outbound *flow = flows->going[made->place];
        if (((crypt_function)flows->protect)(flow->session, flows->packets + made->at,
                                             &made->length) != 0)
            made->length = 0;
    }
    for (int at = 0, count; at < flows->made_count; at += count) {
        const struct made *made = &flows->made[at];
        struct outbound *flow = flows->going[made->place];
        count = 1;
        if (!made->length)
            continue;
        count = run_of(flows, flow, at);
        if (!is_kept_back(flows, flow) && send_run(flows, flow, made, count))
            continue;
        memcpy(&flows->unsent[flows->unsent_count], made, (size_t)count * sizeof *made);
        flows->unsent_count += count;
    }
    flows->made_count = flows->used = 0;
}

/* Do the next thing that is due of a flow; 0 if nothing is. */
static int go_on(struct flows *flows, struct outbound *flow, double now)
{
    if (flow->leaving > 0) {
        int count = flow->frames[flow->out]->count - flow->piece;
        count = count < flow->leaving ? count : flow->leaving;
        count = count < flow->most ? count : flow->most;
        if (flows->made_count + count > CHUNK)
            send_all(flows);
        if (!flows->unsent_count) /* they lie where others would be made */
            make_burst(flows, flow, count, now);
        return 1;
    }
    if (ticks_next(flow)) {
        if (moment_of(flow->ticks_at) > moment_of(now))
            return 0;
        tick(flows, flow, now);
        return 1;
    }
    if (flow->at >= flow->count || moment_of(flow->runs_at) > moment_of(now))
        return 0;
    begin(flows, flow, now);
    return 1;
}

/* Whether a flow has nothing left, or Python's next frame is due while the last ones still wait. */
static int has_ended(const struct outbound *flow, double now)
{
    if (flow->at < flow->count || flow->leaving > 0)
        return 0;
    return !flow->waiting || (!ticks_next(flow) && moment_of(flow->runs_at) <= moment_of(now));
}

/* Send what is due; returns whether more may be due now. What the kernel did not take is in
 * `unsent`, encrypted. `next` tells when something is due, and `ended` which flows have nothing
 * left. */
int flows_send(struct flows *flows, double now)
{
    flows->ended_count = flows->unsent_count = 0;
    flows->next = INFINITY;
    for (int at = 0; at < flows->going_count; at++)
        while (go_on(flows, flows->going[at], now))
            if (flows->unsent_count)
                return 1;
    send_all(flows);
    for (int at = 0; at < flows->going_count; at++) {
        struct outbound *flow = flows->going[at];
        if (has_ended(flow, now))
            flows->ended[flows->ended_count++] = flow;
        else
            flows->next = fmin(flows->next, ticks_next(flow) ? flow->ticks_at : flow->runs_at);
    }
    return 0;
}
