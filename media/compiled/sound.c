/* Reads records of sound. */

#include "records.h"

int sound_part(const uint8_t *records, int length, int count, double *arrivals,
               uint32_t *timestamps, int *begins, int *ends)
{
    struct flow_record record;
    int found = 0;
    for (int at = 0, next; found < count; at = next, found++) {
        next = read_record(records, length, at, &record);
        if (!next)
            break;
        arrivals[found] = record.arrival;
        timestamps[found] = record.timestamp;
        begins[found] = at + RECORD;
        ends[found] = next;
    }
    return found;
}

/* Whether a packet is a single frame of 20 ms, by its first octet: RFC 6716 section 3.1. */
static int is_one_frame(uint8_t first)
{
    int number = first >> 3;
    if (first & 3)
        return 0;
    return number < 12 ? (number & 3) == 1 : number < 16 ? number & 1 : (number & 3) == 3;
}

void sound_sum_up(const uint8_t *records, int length, uint32_t step, struct sound *found)
{
    struct flow_record record;
    double before = 0;
    memset(found, 0, sizeof *found);
    found->is_even = found->is_in_order = found->is_whole = found->are_one_frame = 1;
    for (int at = 0, next; (next = read_record(records, length, at, &record)) != 0; at = next) {
        double begin = record.arrival - found->count / 50.0;
        if (found->count == 0) {
            found->first = record.timestamp;
            found->earliest = found->latest = begin;
        } else if (record.timestamp - found->last != step) {
            found->is_even = 0;
        }
        if (found->count && record.arrival < before)
            found->is_in_order = 0;
        before = record.arrival;
        if (begin < found->earliest)
            found->earliest = begin;
        if (begin > found->latest)
            found->latest = begin;
        if (record.octets == 0)
            found->is_whole = found->are_one_frame = 0;
        else if (record.octets > LONGEST_PACKET || !is_one_frame(records[at + RECORD]))
            found->are_one_frame = 0;
        found->last = record.timestamp;
        found->octets += (int32_t)record.octets;
        found->count++;
    }
}
