/* How records are read. Python does not know of it. */

#ifndef CALLBOARD_RECORDS_H
#define CALLBOARD_RECORDS_H

#include <stdint.h>
#include <string.h>

#include "sound.h"

enum {
    RECORD = sizeof(struct flow_record),
    LONGEST_PACKET = 1276, /* octets of an Opus packet of one frame: RFC 6716 section 3.4 */
};

/* Read the record at `at`, and return where the next one is; 0 if there is none. */
static inline int read_record(const uint8_t *records, int length, int at,
                              struct flow_record *record)
{
    if (at < 0 || length - at < RECORD)
        return 0;
    memcpy(record, records + at, RECORD);
    at += RECORD;
    return record->octets <= (uint32_t)(length - at) ? at + (int)record->octets : 0;
}

#endif
