/* Frames of sound in records, as they come from a flow and go into a recording. cffi reads this
 * file as it is: it takes no directives. */

/* Before what is kept: a payload of sound, or what packets of one timestamp that follow each other
 * add to their picture. */
struct flow_record {
    double arrival;     /* of the last packet */
    uint32_t timestamp;
    uint32_t octets;    /* that follow */
    uint32_t packets;
    uint8_t is_marked;  /* whether the last one is the last of its picture; the others are not */
    uint8_t is_read;    /* if not, whole payloads follow, and before each its size in two octets */
    uint8_t is_first, is_key; /* of pictures that are read; see `Fragment` */
};

/* What frames of sound have in common. */
struct sound {
    double earliest, latest; /* of their arrivals, each less 20 ms for each frame before it */
    int32_t count;
    int32_t octets;          /* of their payloads */
    uint32_t first, last;    /* timestamps */
    uint8_t is_even;         /* whether each timestamp is 20 ms after the one before */
    uint8_t is_in_order;     /* whether none came before the one before it */
    uint8_t is_whole;        /* whether none is empty */
    uint8_t are_one_frame;   /* whether each is an Opus packet with one frame of 20 ms */
};

/* What a page of Ogg is made of: the packets of one or two directions, each pair in one packet. */
struct page {
    int64_t position;        /* samples up to its end */
    uint32_t serial, number;
    int32_t lanes, packets;
    int32_t lengths[2];      /* octets of each direction's records */
    int32_t at[2];           /* where in them the first one is, and then the first one behind */
};

/* Reads records of sound, at most `count`: when each came, its timestamp, and where its payload is.
 * Returns how many they are. */
int sound_part(const uint8_t *records, int length, int count, double *arrivals,
               uint32_t *timestamps, int *begins, int *ends);

/* Reads what they have in common. Frames are `step` ticks long. */
void sound_sum_up(const uint8_t *records, int length, uint32_t step, struct sound *found);

/* Writes a page of packets that are each of one frame; returns its octets, or 0 if there are not so
 * many packets, or they do not fit into one page. `written` has room for all of the records and 512
 * octets more. */
int sound_page(struct page *page, const uint8_t *left, const uint8_t *right, uint8_t *written);
