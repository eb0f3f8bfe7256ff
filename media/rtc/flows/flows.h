/* What Python and C both know, besides sound.h. cffi reads this file as it is: it takes no
 * directives. */

enum {
    MOST_SOCKETS = 256, /* that are read in one round */
    MOST_FRAMES = 4096, /* or parts of them, that wait for Python */
    MOST_GROUPS = 32,   /* of packets, that wait for Python */
    CHUNK = 64          /* packets that are made, then encrypted, then sent */
};

/* What one packet carries of a frame, and what stands before that in its payload. */
struct flow_piece {
    const uint8_t *data;
    int length;
    int head_length;
    uint8_t head[2];
};

/* What is kept of a packet that comes in. */
enum { NOTHING, SOUND, VP8, H264 };

/* A frame that is to leave; many flows may have it. */
struct flow_frame {
    uint32_t duration; /* ticks */
    int longest;       /* octets of the largest piece, with what stands before it */
    int count;         /* pieces, at least one */
    struct flow_piece pieces[];
};

/* A frame whose turn has come. */
struct flow_left {
    int64_t timestamp; /* ticks from the origin */
    double at;         /* seconds of CLOCK_MONOTONIC */
};

/* Packets of a frame that have left together. */
struct flow_burst {
    int frame;      /* its number among those of the flow */
    int start, end; /* the first one's piece, and the one behind the last one's */
    double at;      /* seconds of the loop's clock */
};

/* The next frames of one RTP stream that goes out. A frame of more packets than may leave at once
 * leaves little by little, at ticks of its own, and what comes after it waits behind it. */
struct outbound {
    int file;
    uint8_t address[32];
    int address_length;
    void *session;
    int cuts;              /* whether the kernel cuts what is sent into datagrams */
    uint32_t ssrc;
    uint16_t number;       /* of the next packet */
    uint8_t payload_type;
    uint8_t marks;         /* whether the last packet of a frame has the marker */
    uint8_t extension[64]; /* of the header, whole */
    int extension_length;
    int time_at;           /* where in it the time of sending is; below 0: nowhere */
    uint8_t describes;     /* whether there is a VP8 descriptor, and what it says of frame 0 */
    uint8_t layer;
    uint16_t picture;
    uint32_t base;         /* what is added to timestamps */
    double origin, rate;   /* seconds; ticks a second */
    double due;            /* of the next frame, in seconds */
    double runs_at;        /* when its turn comes: later, if it is late among others */
    int64_t last;          /* timestamp of the last frame */
    struct flow_frame **frames;
    struct flow_left *left;    /* what became of each; NULL: nobody asks */
    struct flow_burst *bursts; /* the same of their packets, and how many there are */
    int burst_count;
    int count, at;         /* frames, and how many of them have had their turn */
    int most;              /* packets that leave at once */
    double spread;         /* seconds in which what waits must have left */
    int out, piece;        /* the frame and the piece that leave next */
    int waiting;           /* packets of frames that had their turn and have not left */
    int leaving;           /* how many of them leave now */
    double empty_by;       /* when all of them must have left */
    double tick_due, ticks_at; /* their next tick, as `due` and `runs_at` */
    int ticks_first;       /* whether that comes before the next frame of the same moment */
    int packets;           /* that have left since it was last asked */
    int64_t octets;        /* in their payloads */
    int64_t ticks;         /* how long those that had their turn last together */
    double wall;           /* when the last one had, in seconds of CLOCK_REALTIME */
    int place;             /* kept by C */
};

/* Packets that were sent at nearly one time. */
struct flow_group {
    int64_t sent;    /* abs-send-time of the last one */
    int64_t arrival; /* when that came, in ms of CLOCK_MONOTONIC */
    int64_t octets;  /* of all payloads, with padding */
};

/* What comes in of one RTP stream. */
struct inbound {
    int file;
    uint8_t address[32];
    int address_length;
    void *session;
    uint32_t ssrc;
    uint8_t payload_type;
    uint8_t keeps;          /* what is kept of it; NOTHING: it is only counted */
    uint8_t is_marked;      /* whether the last packet was */
    uint16_t next;          /* number of the packet that is due */
    int left;               /* packets that may still come */
    double until;           /* and until when, in seconds of the loop's clock */
    double clock_rate;
    uint32_t timestamp;     /* of the last packet, and when it came */
    double arrival, jitter;
    int received;           /* since it was last asked */
    uint8_t *frames;        /* records, and behind each what is kept */
    int frames_length, frames_room;
    int record, ends_one;   /* kept by C: where the last one is; whether it ended another picture */
    int records;            /* and how many there are */
    uint8_t sent_id;        /* what abs-send-time is called in header extensions; 0: nobody asks */
    uint32_t span;          /* units of it in which packets are sent that are one group */
    uint32_t began;         /* abs-send-time of the first packet of the group that goes on */
    struct flow_group group;
    struct flow_group groups[MOST_GROUPS]; /* those before it, since it was last asked */
    int group_count;
    struct inbound *other;  /* kept by C: another one on the same socket */
};

/* Of a record. */
enum { MARKED = 1, READ = 2, FIRST = 4, KEY = 8 };

/* What records say, and where what they keep is. */
struct columns {
    double arrivals[MOST_FRAMES];
    uint32_t timestamps[MOST_FRAMES], packets[MOST_FRAMES];
    int begins[MOST_FRAMES], ends[MOST_FRAMES];
    uint8_t flags[MOST_FRAMES];
};

/* What came in that is for Python. */
struct left_over {
    int file;
    int at, end, size; /* datagrams in the room; end is 0: nothing was read, below 0: an errno */
    struct inbound *strange; /* a flow at which Python is to look first; or NULL */
    uint8_t address[32];
    int address_length;
};

/* A packet of an outbound flow, and where it lies in `packets`. */
struct made {
    int place; /* of the flow, among those that are live */
    int at, length;
};

struct slot;

/* All flows of a loop, and what the last call found. */
struct flows {
    struct left_over left[MOST_SOCKETS];
    int left_count;
    int is_behind;     /* whether sockets may still have something */
    int found_several; /* whether several had something at one time */
    int bursts;        /* see `flows_count_reads` */
    struct made unsent[CHUNK]; /* packets that the kernel did not take */
    int unsent_count;
    struct outbound **ended; /* those of which all frames have left */
    int ended_count;
    double next; /* when something is to leave, in seconds; infinite: never */
    double grid, beat, patience; /* the pacer's, in seconds */
    /* Kept by C. */
    void *protect, *unprotect;
    uint8_t *room;
    int size;
    struct slot *slots;
    int slot_count;
    unsigned turn; /* counts calls of `flows_read` */
    struct outbound **going;
    int going_count, going_room;
    struct made made[CHUNK];
    int made_count;
    int used; /* octets of `packets` */
    uint8_t packets[CHUNK * 1536];
};

struct flows *flows_new(void *protect, void *unprotect, uint8_t *room, int size);
void flows_free(struct flows *flows);

/* All of these return 0, or -1 without memory; `flows_put` also if a frame is too long, or more
 * packets than `CHUNK` may leave at once. */
int flows_listen(struct flows *flows, struct inbound *flow);
int flows_put(struct flows *flows, struct outbound *flow);

void flows_unlisten(struct flows *flows, struct inbound *flow);
void flows_take(struct flows *flows, struct outbound *flow);
void flows_forget(struct flows *flows, int file);
int flows_keep_back(struct flows *flows, int file, int wait);
int flows_count_reads(struct flows *flows, int file);

/* Writes records of sound that had its turn, from the frame of a number on; returns their octets, or
 * -1 if they are more than `size`. */
int flows_record(const struct outbound *flow, int first, uint8_t *records, int size);

/* Reads records, at most as many as there is room for; returns how many. */
int flows_part(const uint8_t *records, int length, struct columns *columns);

int flows_read(struct flows *flows, int epoll, double now, int64_t moment);
int flows_send(struct flows *flows, double now);
