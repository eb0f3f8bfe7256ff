/* Writes a page of Ogg (RFC 3533) from records of Opus packets: what `_page` of ogg.py does. */

#include "records.h"

enum {
    HEAD = 27, /* octets before the table of segments */
    CHECKSUM_AT = 22,
    MOST_SEGMENTS = 255,
};

static const uint32_t POLYNOMIAL = 0x04C11DB7;

static uint32_t tables[8][256]; /* what an octet adds to the checksum when 0 to 7 follow it */

__attribute__((constructor)) static void make_tables(void)
{
    for (uint32_t octet = 0; octet < 256; octet++) {
        uint32_t sum = octet << 24;
        for (int bit = 0; bit < 8; bit++)
            sum = sum << 1 ^ (sum >> 31 ? POLYNOMIAL : 0);
        tables[0][octet] = sum;
    }
    for (int behind = 1; behind < 8; behind++)
        for (int octet = 0; octet < 256; octet++) {
            uint32_t sum = tables[behind - 1][octet];
            tables[behind][octet] = sum << 8 ^ tables[0][sum >> 24];
        }
}

static uint32_t checksum(const uint8_t *data, int length)
{
    uint32_t sum = 0;
    for (; length >= 8; data += 8, length -= 8)
        sum = tables[7][data[0] ^ sum >> 24] ^ tables[6][data[1] ^ (sum >> 16 & 255)]
              ^ tables[5][data[2] ^ (sum >> 8 & 255)] ^ tables[4][data[3] ^ (sum & 255)]
              ^ tables[3][data[4]] ^ tables[2][data[5]] ^ tables[1][data[6]] ^ tables[0][data[7]];
    for (; length > 0; data++, length--)
        sum = sum << 8 ^ tables[0][sum >> 24 ^ *data];
    return sum;
}

static void write_number(uint8_t *written, uint64_t number, int octets)
{
    for (int at = 0; at < octets; at++)
        written[at] = (uint8_t)(number >> 8 * at);
}

/* Write a packet with the length of its frame behind its first octet, so that another one can
 * follow it: RFC 6716 appendix B. Returns where it ends. */
static uint8_t *write_delimited(uint8_t *written, const uint8_t *packet, int length)
{
    int frame = length - 1;
    *written++ = *packet;
    if (frame < 252) {
        *written++ = (uint8_t)frame;
    } else {
        int first = 252 + (frame & 3);
        *written++ = (uint8_t)first;
        *written++ = (uint8_t)((frame - first) >> 2);
    }
    memcpy(written, packet + 1, (size_t)frame);
    return written + frame;
}

/* Find the packet at `at`; returns its octets, or 0 if there is none that may stand here. */
static int packet_at(const uint8_t *records, int length, int at)
{
    struct flow_record record;
    int is_there = read_record(records, length, at, &record) && record.octets <= LONGEST_PACKET;
    return is_there ? (int)record.octets : 0;
}

int sound_page(struct page *page, const uint8_t *left, const uint8_t *right, uint8_t *written)
{
    const uint8_t *records[] = {left, right};
    int at[] = {page->at[0], page->at[1]};
    int segments = 0, lanes = page->lanes;
    if (lanes < 1 || lanes > 2)
        return 0;
    for (int packet = 0; packet < page->packets; packet++) {
        int length = 0;
        for (int lane = 0; lane < lanes; lane++) {
            int one = packet_at(records[lane], page->lengths[lane], at[lane]);
            if (!one)
                return 0;
            length += one + (lane < lanes - 1 ? one - 1 < 252 ? 1 : 2 : 0);
            at[lane] += RECORD + one;
        }
        for (; length >= 255; length -= 255, segments++) {
            if (segments == MOST_SEGMENTS)
                return 0;
            written[HEAD + segments] = 255;
        }
        if (segments == MOST_SEGMENTS)
            return 0;
        written[HEAD + segments++] = (uint8_t)length;
    }
    uint8_t *end = written + HEAD + segments;
    memset(written, 0, HEAD);
    memcpy(written, "OggS", 4);
    write_number(written + 6, (uint64_t)page->position, 8);
    write_number(written + 14, page->serial, 4);
    write_number(written + 18, page->number, 4);
    written[26] = (uint8_t)segments;
    for (int packet = 0; packet < page->packets; packet++)
        for (int lane = 0; lane < lanes; lane++) {
            const uint8_t *found = records[lane] + page->at[lane];
            int length = packet_at(records[lane], page->lengths[lane], page->at[lane]);
            page->at[lane] += RECORD + length;
            if (lane < lanes - 1) {
                end = write_delimited(end, found + RECORD, length);
            } else {
                memcpy(end, found + RECORD, (size_t)length);
                end += length;
            }
        }
    int octets = (int)(end - written);
    write_number(written + CHECKSUM_AT, checksum(written, octets), 4);
    return octets;
}
