/* What goes out; see `flows.c`. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shared.h"

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
